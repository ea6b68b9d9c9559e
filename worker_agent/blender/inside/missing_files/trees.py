"""Node trees: which of their nodes have a say in the result."""

from collections.abc import Iterator
from typing import Any

import bpy

from .. import cameras

# In the background nobody looks at these.
_FOR_THE_EYE = {"VIEWER", "SPLITVIEWER"}
_POINTERS = ("image", "clip", "mask", "scene", "node_tree", "texture", "object", "material", "font")


def of(block: Any) -> Any:
    """The node tree that a data-block is, or has and uses; None otherwise."""
    if isinstance(block, bpy.types.NodeTree):
        return block
    if isinstance(block, bpy.types.Scene):
        return cameras.compositor_of(block)
    # from 5.0 on they are always used, and asking is deprecated
    if bpy.app.version < (5, 0) and not getattr(block, "use_nodes", False):
        return None
    return getattr(block, "node_tree", None)


def live(tree: Any) -> "list[Any]":
    """Nodes that an output can be reached from. A muted one passes on what it gets, and reads nothing."""
    before: dict[Any, list[Any]] = {}
    for link in tree.links:
        if link.is_valid and not link.is_muted:
            before.setdefault(link.to_node, []).append(link.from_node)
    waiting = [node for node in tree.nodes if _is_output(node)]
    seen = set(waiting)
    while waiting:
        new = set(before.get(waiting.pop(), ())) - seen
        seen |= new
        waiting += new
    return [node for node in tree.nodes if node in seen and not node.mute]


def _is_output(node: Any) -> bool:
    return bool(node.inputs) and not node.outputs and node.type not in _FOR_THE_EYE


def blocks(tree: Any) -> "Iterator[Any]":
    """The data-blocks that live nodes name."""
    for node in live(tree):
        for name in _POINTERS:
            block = getattr(node, name, None)
            if isinstance(block, bpy.types.ID):
                yield block


def naming(block: Any, name: str, wanted: Any) -> "tuple[list[Any], bool]":
    """The nodes of a data-block's tree that read `wanted`, and whether any node has it at all.

    It stands in the attribute `name` of a node, or in a socket for images.
    """
    tree = getattr(block, "node_tree", None) if of(block) is None else of(block)
    if tree is None:
        return [], False
    every = [node for node in tree.nodes if _has(node, name, wanted)]
    if not every or of(block) is None:
        return [], bool(every)
    alive = set(live(tree))
    return [node for node in every if node in alive], True


def _has(node: Any, name: str, wanted: Any) -> bool:
    if getattr(node, name, None) == wanted:
        return True
    sockets = (socket for socket in node.inputs if socket.type == "IMAGE" and not socket.is_linked)
    return any(socket.default_value == wanted for socket in sockets)
