"""What of a file is rendered: its scenes, their view layers, and the objects that are evaluated in them."""

from collections.abc import Iterator
from typing import Any

import bpy

from .cameras import compositor_of


def scenes(scene: Any) -> "list[Any]":
    """The scene and those whose pictures go into its own: by strips of the sequencer, by the compositor."""
    found, waiting = [], [scene]
    while waiting:
        item = waiting.pop(0)
        if item in found:
            continue
        found.append(item)
        waiting += [other for other in _scenes_in(item) if other is not None]
    return found


def layers(scene: Any) -> "list[Any]":
    """The view layers that render (all of them where none is ticked: Blender then refuses by itself)."""
    return [layer for layer in scene.view_layers if layer.use] or list(scene.view_layers)


def evaluated_objects(scene: Any) -> "Iterator[tuple[Any, Any]]":
    """(object, view layer) of everything that Blender evaluates of this scene.

    Asked of the dependency graph: collections that are only instanced, sets, and what a modifier
    needs of a hidden object are in it, and what no layer shows is not.
    """
    seen: set[int] = set()
    for layer in layers(scene):
        with bpy.context.temp_override(scene=scene, view_layer=layer):
            layer.update()
        for item in originals(layer.depsgraph):
            if item.as_pointer() not in seen:
                seen.add(item.as_pointer())
                yield item, layer


def originals(depsgraph: Any) -> "list[Any]":
    """The objects of a dependency graph, as they are in the file."""
    return [block.original for block in depsgraph.ids if isinstance(block, bpy.types.Object)]


def _scenes_in(scene: Any) -> "Iterator[Any]":
    editor = scene.sequence_editor
    if editor is not None and scene.render.use_sequencer:
        strips = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
        yield from (strip.scene for strip in strips if strip.type == "SCENE" and not strip.mute)
    tree = compositor_of(scene)
    if tree is not None and scene.render.use_compositing:
        yield from (node.scene for node in tree.nodes if node.type == "R_LAYERS")
