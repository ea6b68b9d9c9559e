"""Simulation zones of geometry nodes.

A Bake node that is not baked passes its geometry on as it is, whatever the frame, so it needs no bake
here: with the zones before it baked, what it passes on is right.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .point_caches import cache_folder
from .wire import Failure

_KIND = "simulation_zone"
_ZONE = "GeometryNodeSimulationOutput"


@dataclass(frozen=True)
class Zone:
    """One zone, at any depth of the modifier's node group; `bake` is its entry in the modifier."""

    kind: str
    name: str
    scene: Any
    layer: Any
    owner: Any
    modifier: Any
    bake: Any

    @property
    def first_frame(self) -> int:
        bake = self.bake
        return int(bake.frame_start if bake.use_custom_simulation_frame_range else self.scene.frame_start)

    @property
    def last_frame(self) -> int:
        bake = self.bake
        return int(bake.frame_end if bake.use_custom_simulation_frame_range else self.scene.frame_end)

    @property
    def ready(self) -> bool:
        return self.has_frame(self.last_frame)

    def has_frame(self, frame: int) -> bool:
        if self._packed:
            return frame in self._packed_frames()
        return frame in _frames_in(self._folder())

    @property
    def _packed(self) -> bool:
        """Whether the result is in the .blend (Blender 4.3 and later), or in a folder."""
        target = getattr(self.bake, "bake_target", "DISK")
        return bool((self.modifier.bake_target if target == "INHERIT" else target) == "PACKED")

    def _folder(self) -> "Path | None":
        bake, modifier = self.bake, self.modifier
        if bake.use_custom_path:
            path = bake.directory
        else:
            path = getattr(modifier, "bake_directory", "") or getattr(
                modifier, "simulation_bake_directory", ""
            )
            path = f"{path}/{bake.bake_id}" if path else ""
        return Path(bpy.path.abspath(path, library=self.owner.library)) if path else None

    def _packed_frames(self) -> "set[int]":
        """Nothing tells whether a packed zone is baked, but unpacking it does; it is packed again at once."""
        saved = self.bake.bake_target, self.bake.use_custom_path, self.bake.directory
        frames: set[int] = set()
        try:
            with self.focus() as names:
                bpy.ops.object.geometry_node_bake_unpack_single(method="WRITE_LOCAL", **names)
                folder = self._folder()
                frames = _frames_in(folder)
                if folder is not None and frames:
                    bpy.ops.object.geometry_node_bake_pack_single(**names)
                    shutil.rmtree(folder, ignore_errors=True)
                    _remove_empty(folder.parent)
        except RuntimeError:  # there is nothing to unpack, or the object is linked
            pass
        self.bake.bake_target, self.bake.use_custom_path, self.bake.directory = saved
        return frames

    def focus(self) -> "_Focus":
        return _Focus(self)


class _Focus:
    """The context in which the operators find the zone; gives the names by which they are told it."""

    def __init__(self, zone: Zone) -> None:
        owner = zone.owner
        self._override = bpy.context.temp_override(
            scene=zone.scene, view_layer=zone.layer, object=owner, active_object=owner
        )
        self._names = {
            "session_uid": owner.session_uid,
            "modifier_name": zone.modifier.name,
            "bake_id": zone.bake.bake_id,
        }

    def __enter__(self) -> "dict[str, Any]":
        self._override.__enter__()
        return self._names

    def __exit__(self, *details: Any) -> None:
        self._override.__exit__(*details)


def _frames_in(folder: "Path | None") -> "set[int]":
    """Frames in a folder of Blender's: `meta/00020_00000.json` is frame 20."""
    if folder is None:
        return set()
    stems = (path.stem.partition("_")[0] for path in (folder / "meta").glob("*.json"))
    return {int(stem) for stem in stems if stem.isdigit()}


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
        folder.parent.rmdir()


def of_object(scene: Any, layer: Any, owner: Any) -> "Iterator[Zone]":
    for modifier in owner.modifiers:
        if modifier.type == "NODES" and modifier.node_group is not None and modifier.show_render:
            for bake in getattr(modifier, "bakes", ()):
                if bake.node is not None and bake.node.bl_idname == _ZONE and not bake.node.mute:
                    yield Zone(_KIND, owner.name, scene, layer, owner, modifier, bake)


def problems(owner: Any) -> "Iterator[str]":
    """Zones that this Blender has no way to bake one by one."""
    for modifier in owner.modifiers:
        if modifier.type != "NODES" or modifier.node_group is None or not modifier.show_render:
            continue
        if not hasattr(modifier, "bakes") and _has_zone(modifier.node_group, set()):
            yield (
                f'"{owner.name}" has a geometry-nodes simulation in "{modifier.node_group.name}", which the '
                "farm bakes with Blender 4.2 or newer: use the option blender_version"
            )


def _has_zone(tree: Any, seen: "set[str]") -> bool:
    seen.add(tree.name_full)
    inner = [node.node_tree for node in tree.nodes if getattr(node, "node_tree", None) is not None]
    return any(node.bl_idname == _ZONE and not node.mute for node in tree.nodes) or any(
        _has_zone(group, seen) for group in inner if group.name_full not in seen
    )


def prepare(items: "Iterable[Zone]", last_frame: int, first_frame: "int | None" = None) -> None:
    """Fixes the frames of each zone, which otherwise are those of the scene, and renders change them.

    The result goes into the .blend; where Blender cannot do that yet, into a folder of its own: two
    objects with one folder between them would show each other's geometry.
    """
    for item in items:
        bake = item.bake
        first, last = item.first_frame, min(item.last_frame, last_frame)
        if not bake.use_custom_simulation_frame_range:
            first, last = first if first_frame is None else first_frame, last_frame
        bake.use_custom_simulation_frame_range = True
        bake.frame_start, bake.frame_end = first, max(first, last)
        if hasattr(bake, "bake_target"):
            bake.bake_target = "PACKED"
        else:
            folder = cache_folder(bpy.data.filepath).name
            own = f"{item.owner.name}\0{item.modifier.name}".encode().hex()
            bake.use_custom_path, bake.directory = True, f"//{folder}/zone_{own}_{bake.bake_id}"


def bake(item: Zone) -> None:
    """Raises Failure when Blender says why it could not."""
    try:
        with item.focus() as names:
            bpy.ops.object.geometry_node_bake_single(**names)
    except RuntimeError as error:
        reason = f'The simulation zone of "{item.name}" could not be baked: {str(error).strip()}'
        raise Failure("bake_failed", reason) from error
