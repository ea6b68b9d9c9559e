"""Files that nodes name by themselves: IES lights, OSL scripts, what geometry nodes import."""

from typing import Any

from . import trees
from .finder import Finder
from .reached import Reached

_IMPORTS = "GeometryNodeImport"


def look(finder: Finder, reached: Reached) -> None:
    osl = any(getattr(getattr(b, "cycles", None), "shading_system", False) for b in reached.blocks)
    for block in sorted(reached.blocks, key=lambda block: block.name_full):
        tree = trees.of(block)
        if tree is None or not _may_name_files(tree):
            continue
        for node in trees.live(tree):
            _look_at(finder, block, node, osl)


def _may_name_files(tree: Any) -> bool:
    """Most trees hold none of these, and need no walk."""
    return any(
        node.type in {"TEX_IES", "SCRIPT"} or node.bl_idname.startswith(_IMPORTS) for node in tree.nodes
    )


def _look_at(finder: Finder, block: Any, node: Any, osl: bool) -> None:
    where = f"{block.name}, {node.name}"
    if node.type == "TEX_IES" and node.mode == "EXTERNAL":
        finder.require("IES light", where, node.filepath, block.library)
    elif node.type == "SCRIPT" and node.mode == "EXTERNAL" and osl:
        finder.require("OSL script", where, node.filepath, block.library)
    elif node.bl_idname.startswith(_IMPORTS):
        socket = next((socket for socket in node.inputs if socket.name == "Path"), None)
        if socket is not None and not socket.is_linked and socket.default_value:
            finder.require("imported file", where, socket.default_value, block.library)
