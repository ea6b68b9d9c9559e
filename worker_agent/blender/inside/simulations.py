"""Every simulation in the file: what kind, of which object, with which point cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .wire import Failure

# Particles that Blender computes for any frame by itself: nothing is ever cached for them.
_STATELESS_PHYSICS = {"NO", "KEYED"}
_STATEFUL_NODES = {
    "GeometryNodeSimulationOutput": "simulation zone",
    "GeometryNodeBake": "bake node",
}


@dataclass(frozen=True)
class Found:
    """A simulation with a point cache. `owner` is the object, or the scene of a rigid world."""

    kind: str
    name: str
    scene: Any
    owner: Any
    cache: Any

    @property
    def on_disk(self) -> bool:
        """Rigid bodies crash Blender when their cache is on disk (refused before); others go there."""
        return self.kind != "rigid_body"

    @property
    def ready(self) -> bool:
        """Baked, not outdated and, when on disk, with its files there (`info` claims anything).

        A rigid-body world always calls itself outdated after loading, and is right all the same.
        """
        cache = self.cache
        if not cache.is_baked:
            return False
        if self.kind == "rigid_body":
            return bool(cache.info) and not cache.info.startswith("0 ")
        if cache.is_outdated:
            return False
        return not cache.use_disk_cache or cache_files_exist(self)


def cache_files_exist(found: Found) -> bool:
    """Whether any file of this cache is in the folder where Blender looks for it."""
    cache = found.cache
    if cache.use_external:
        folder = Path(bpy.path.abspath(cache.filepath, library=found.owner.library))
    else:
        folder = cache_folder(bpy.data.filepath)
    stem = cache.name or found.owner.name.encode().hex().upper()
    # the index tells apart several caches of one object; -1 means "not numbered yet", i.e. 0
    return any(folder.glob(f"{_escaped(stem)}_??????_{max(cache.index, 0):02d}*.bphys"))


def _escaped(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)


def cache_folder(blend: str) -> Path:
    """Where Blender keeps the disk caches of a .blend: beside it, named after it."""
    path = Path(blend)
    stem = path.name[: -len(".blend")] if path.name.endswith(".blend") else path.name
    return path.parent / f"blendcache_{stem}"


def find_all() -> "list[Found]":
    """All simulations of all scenes that can be baked. Raises Failure for those that cannot."""
    found: dict[int, Found] = {}
    problems: list[str] = []
    for scene in bpy.data.scenes:
        world = scene.rigidbody_world
        if world is not None and world.enabled and _has_objects(world.collection):
            item = Found("rigid_body", scene.name, scene, scene, world.point_cache)
            found.setdefault(world.point_cache.as_pointer(), item)
        for item_object in scene.objects:
            problems += _problems(item_object)
            for item in _of_object(scene, item_object):
                found.setdefault(item.cache.as_pointer(), item)
    items = list(found.values())
    problems += [problem for item in items for problem in _cache_problems(item)]
    if problems:
        listed = "; ".join(dict.fromkeys(problems))
        # Blender aborts when it lets go of a fluid, so the parent takes a new one after it.
        fluid = any("fluid domain" in problem for problem in problems)
        code = "unloadable_simulation" if fluid else "unsupported_simulation"
        raise Failure(code, f"The farm cannot simulate this yet: {listed}.")
    return items


def _has_objects(collection: Any) -> bool:
    return collection is not None and len(collection.all_objects) > 0


def _of_object(scene: Any, owner: Any) -> "Iterator[Found]":
    if _never_evaluated(scene, owner):
        return
    for modifier in owner.modifiers:
        if not modifier.show_render:
            continue
        if modifier.type in {"CLOTH", "SOFT_BODY"}:
            yield Found(modifier.type.lower(), owner.name, scene, owner, modifier.point_cache)
        elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
            for surface in modifier.canvas_settings.canvas_surfaces:
                if surface.is_active and surface.surface_format == "VERTEX":
                    yield Found("dynamic_paint", owner.name, scene, owner, surface.point_cache)
        elif modifier.type == "PARTICLE_SYSTEM":
            system = modifier.particle_system
            settings = system.settings
            if settings.type == "HAIR":
                if system.use_hair_dynamics:
                    yield Found("hair", owner.name, scene, owner, system.point_cache)
            elif settings.physics_type not in _STATELESS_PHYSICS:
                yield Found("particles", owner.name, scene, owner, system.point_cache)


def _never_evaluated(scene: Any, owner: Any) -> bool:
    """Hidden everywhere, or in no view layer: nothing moves it, and nothing is seen of it."""
    hidden = owner.hide_viewport and owner.hide_render
    return hidden or not any(owner.name in layer.objects for layer in scene.view_layers)


def _problems(owner: Any) -> "Iterator[str]":
    """Simulations that have no point cache and need more than this bake does."""
    for modifier in owner.modifiers:
        if not modifier.show_render:
            continue
        if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            yield (
                f'"{owner.name}" is a fluid domain (Mantaflow); import its result as a volume '
                "sequence or an Alembic cache, or turn the modifier off for renders"
            )
        elif modifier.type == "NODES" and modifier.node_group is not None:
            for what in sorted(_stateful(modifier.node_group, set())):
                yield (
                    f'"{owner.name}" has a geometry-nodes {what} in "{modifier.node_group.name}"; '
                    "export its result as an Alembic or USD cache and load that instead"
                )
        elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
            for surface in modifier.canvas_settings.canvas_surfaces:
                if surface.is_active and surface.surface_format == "IMAGE":
                    yield (
                        f'"{owner.name}" paints the image sequence "{surface.name}" dynamically; '
                        "bake it in Blender and use the images as a texture"
                    )


def _stateful(tree: Any, seen: "set[str]") -> "set[str]":
    kinds: set[str] = set()
    seen.add(tree.name_full)
    for node in tree.nodes:
        inner = getattr(node, "node_tree", None)
        if inner is not None and inner.name_full not in seen:
            kinds |= _stateful(inner, seen)
        if node.bl_idname in _STATEFUL_NODES and not node.mute:
            kinds.add(_STATEFUL_NODES[node.bl_idname])
    return kinds


def _cache_problems(found: Found) -> "Iterator[str]":
    if (found.owner.library or found.owner.override_library) and not found.ready:
        yield (
            f'the {found.kind} of "{found.name}" is linked from another file and a bake would '
            "be lost; make the object local, or bake it in its own file"
        )
