"""The data-blocks that a render of a scene gets to."""

from collections.abc import Iterator
from typing import Any

import bpy

from .. import cameras
from . import strips, trees


class Reached:
    """A set of data-blocks, and for each those that lead to it."""

    def __init__(self) -> None:
        self.blocks: set[Any] = set()
        self._users: dict[Any, list[Any]] = {}

    def add(self, block: Any, user: Any) -> bool:
        """True when the block was not known."""
        self._users.setdefault(block, []).append(user)
        new = block not in self.blocks
        self.blocks.add(block)
        return new

    def of(self, kind: Any) -> "list[Any]":
        """Those of one type, in the order of their names."""
        return sorted((b for b in self.blocks if isinstance(b, kind)), key=lambda block: block.name_full)

    def users(self, block: Any) -> "list[Any]":
        return self._users.get(block, [])


def blocks_of(scene: Any) -> Reached:
    """Everything from the scene on, however deep; a scene itself leads only to what it renders."""
    uses = _uses()
    reached = Reached()
    first = strips.blocks(scene) if strips.are_rendered(scene) else [scene]
    waiting = [block for block in first if reached.add(block, None)]
    while waiting:
        user = waiting.pop()
        if isinstance(user, bpy.types.Scene):
            found = list(_of_scene(user))
        else:
            found = [block for block in uses.get(user, ()) if _leads_to(user, block)]
        waiting += [block for block in found if reached.add(block, user)]
    return reached


def _uses() -> "dict[Any, list[Any]]":
    """Which data-blocks each one uses: Blender's own map, turned round."""
    uses: dict[Any, list[Any]] = {}
    for block, users in bpy.data.user_map().items():
        for user in users:
            uses.setdefault(user, []).append(block)
    return uses


def _of_scene(scene: Any) -> "Iterator[Any]":
    """Not its brushes, canvases and hidden objects, which it uses as well."""
    markers = (marker.camera for marker in scene.timeline_markers)
    single = (scene.world, scene.camera, scene.background_set, *markers)
    yield from (block for block in single if block is not None)
    for layer in [layer for layer in scene.view_layers if layer.use] or list(scene.view_layers):
        yield from _shown(layer.layer_collection)
        if layer.material_override is not None:
            yield layer.material_override
        if scene.render.use_freestyle and layer.use_freestyle:
            yield from (s.linestyle for s in layer.freestyle_settings.linesets if s.linestyle)
    tree = cameras.compositor_of(scene)
    if tree is not None and scene.render.use_compositing:
        yield from (trees.blocks(tree) if tree.is_embedded_data else (tree,))


def _shown(part: Any) -> "Iterator[Any]":
    if part.exclude or part.collection.hide_render:
        return
    yield from (item for item in part.collection.objects if not _never_rendered(item))
    for child in part.children:
        yield from _shown(child)


def _never_rendered(item: Any) -> bool:
    """Hidden for good, and nothing that others would bump into or be blown by; or a spare camera."""
    if item.type == "CAMERA":
        return True
    if not item.hide_render or item.animation_data is not None:
        return False
    pushes = item.field is not None and item.field.type != "NONE"
    return not pushes and all(modifier.type != "COLLISION" for modifier in item.modifiers)


def _leads_to(user: Any, block: Any) -> bool:
    types = bpy.types
    if isinstance(user, types.Camera):
        return not isinstance(block, (types.Image, types.MovieClip))  # shown behind the viewport only
    if isinstance(user, types.Object):
        # an empty that shows a picture is a reference for the artist
        return not (user.type == "EMPTY" and isinstance(block, types.Image) and user.data == block)
    if isinstance(user, types.Collection):
        if isinstance(block, types.Object):
            return not _never_rendered(block)
        return not (isinstance(block, types.Collection) and block.hide_render)
    return True
