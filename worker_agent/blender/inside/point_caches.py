"""What Blender keeps in point caches: cloth, soft bodies, particles, hair, vertex paint, rigid bodies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import rendered_parts

# Particles that Blender computes for any frame by itself: nothing is ever cached for them.
_STATELESS_PHYSICS = {"NO", "KEYED"}
_RIGID_BODY = "rigid_body"


@dataclass(frozen=True)
class PointCache:
    """One cache. `slot` names it within its object: the modifier, and the surface of a dynamic paint."""

    kind: str
    name: str
    scene: Any
    layer: Any
    owner: Any
    cache: Any
    slot: "tuple[str, str]" = ("", "")

    @property
    def on_disk(self) -> bool:
        """Rigid bodies crash Blender when their cache is on disk (refused before); others go there."""
        return self.kind != _RIGID_BODY

    @property
    def first_frame(self) -> int:
        return int(self.cache.frame_start)

    @property
    def last_frame(self) -> int:
        return int(self.cache.frame_end)

    @property
    def ready(self) -> bool:
        """Baked and, when on disk, with its files there (`info` claims anything).

        `is_outdated` is no evidence: a file does not keep it, and of rigid bodies and overrides
        Blender says it at every load. What is baked is what the artist sees, outdated or not.
        """
        cache = self.cache
        if not cache.is_baked:
            return False
        if self.kind == _RIGID_BODY:
            return bool(cache.info) and not cache.info.startswith("0 ")
        return not cache.use_disk_cache or any(self._files("??????"))

    def has_frame(self, frame: int) -> bool:
        return bool(self.cache.is_baked) and (not self.on_disk or any(self._files(f"{frame:06d}")))

    def _files(self, number: str) -> "Iterator[Path]":
        cache, library = self.cache, self.owner.library
        if cache.use_external:
            folder = Path(bpy.path.abspath(cache.filepath, library=library))
        else:
            folder = cache_folder(bpy.path.abspath(library.filepath) if library else bpy.data.filepath)
        stem = cache.name or self.owner.name.encode().hex().upper()
        # the index tells apart several caches of one object; -1 means "not numbered yet", i.e. 0
        return folder.glob(f"{_escaped(stem)}_{number}_{max(cache.index, 0):02d}*.bphys")


def _escaped(stem: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in stem)


def cache_folder(blend: str) -> Path:
    """Where Blender keeps the disk caches of a .blend: beside it, named after it."""
    path = Path(blend)
    stem = path.name[: -len(".blend")] if path.name.endswith(".blend") else path.name
    return path.parent / f"blendcache_{stem}"


def of_rigid_world(scene: Any) -> "Iterator[PointCache]":
    world = scene.rigidbody_world
    if world is not None and world.enabled and world.collection and len(world.collection.all_objects):
        layer = rendered_parts.layers(scene)[0]
        yield PointCache(_RIGID_BODY, scene.name, scene, layer, scene, world.point_cache)


def of_object(scene: Any, layer: Any, owner: Any) -> "Iterator[PointCache]":
    for modifier in owner.modifiers:
        if modifier.show_render:
            for kind, cache, part in _of_modifier(modifier):
                yield PointCache(kind, owner.name, scene, layer, owner, cache, (modifier.name, part))


def _of_modifier(modifier: Any) -> "Iterator[tuple[str, Any, str]]":
    """(kind, cache, name of the part) of each simulation in a modifier."""
    if modifier.type in {"CLOTH", "SOFT_BODY"}:
        yield modifier.type.lower(), modifier.point_cache, ""
    elif modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
        for surface in modifier.canvas_settings.canvas_surfaces:
            if surface.is_active and surface.surface_format == "VERTEX":
                yield "dynamic_paint", surface.point_cache, surface.name
    elif modifier.type == "PARTICLE_SYSTEM":
        system = modifier.particle_system
        if system.settings.type == "HAIR":
            if system.use_hair_dynamics:
                yield "hair", system.point_cache, ""
        elif system.settings.physics_type not in _STATELESS_PHYSICS:
            yield "particles", system.point_cache, ""


def prepare(items: "Iterable[PointCache]", last_frame: int) -> None:
    """Empties caches and says where they are kept and how long they are.

    Each gets a number of its own within its object: Blender gives every one the number 0 and lets
    one write over the other's files. Names given by hand could meet in the same way.
    """
    for item in items:
        cache = item.cache
        if cache.is_baked:  # outdated, or without its files: the flag alone would be believed
            with bpy.context.temp_override(scene=item.scene, view_layer=item.layer, point_cache=cache):
                bpy.ops.ptcache.free_bake()
        if item.on_disk:
            cache.use_external = False
            cache.name = ""
            cache.use_disk_cache = True
            cache.index = _free_index(item)
        cache.frame_end = max(cache.frame_start, min(cache.frame_end, last_frame))
        _forget_playback(item)


def _forget_playback(item: PointCache) -> None:
    """What an earlier playback left in the file would be played again, right or not; a change resets it."""
    if isinstance(item.owner, bpy.types.Object):
        item.owner.update_tag()
    else:
        world = item.owner.rigidbody_world
        world.time_scale = world.time_scale  # Blender acts on the assignment


def _free_index(item: PointCache) -> int:
    """The cache's place among those of its object, counted past what the others have that are baked."""
    caches = [
        (modifier.name, part, cache)
        for modifier in item.owner.modifiers
        for _, cache, part in _of_modifier(modifier)
    ]
    place = [(name, part) for name, part, _ in caches].index(item.slot)
    taken = {
        max(cache.index, 0) for name, part, cache in caches if cache.is_baked and (name, part) != item.slot
    }
    return [number for number in range(len(caches) + len(taken)) if number not in taken][place]


def keep(item: PointCache) -> None:
    """Calls what the cache holds a bake: from here on it is played, never simulated again."""
    with bpy.context.temp_override(scene=item.scene, view_layer=item.layer, point_cache=item.cache):
        bpy.ops.ptcache.bake_from_cache()
