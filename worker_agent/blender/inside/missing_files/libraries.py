"""Linked .blend files, at any remove. Blender warns in its log, and puts an empty in their place."""

from typing import Any

import bpy

from .finder import Finder
from .reached import Reached


def look(finder: Finder, reached: Reached) -> None:
    """Each library that is gone, and what is gone from those that are there.

    What merely holds the place of something that is gone is taken out of `reached`.
    """
    contents = _Contents()
    for block in sorted(reached.blocks, key=lambda block: block.name_full):
        library = block.library
        if library is None or library.packed_file or getattr(block, "is_linked_packed", False):
            continue
        path = finder.path(library.filepath, None)
        if not finder.folders.has(path):
            finder.require("library", library.name, library.filepath, None)
        elif contents.lack(block, path):
            kind = str(block.bl_rna.name).lower()
            detail = f'it has no {kind} "{block.name}"'
            finder.add(f"linked {kind}", block.name, library.filepath, path, detail)
        else:
            continue
        reached.blocks.discard(block)


class _Contents:
    """What is in libraries. Older Blenders cannot say of a data-block that it is a mere placeholder."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, set[str]]] = {}
        lists = (item for item in bpy.data.bl_rna.properties if item.type == "COLLECTION")
        self._list_of = {item.fixed_type.identifier: item.identifier for item in lists}

    def lack(self, block: Any, path: str) -> bool:
        if hasattr(block, "is_missing"):
            return bool(block.is_missing)
        if path not in self._names:
            self._names[path] = _names_in(path)
        lists = (self._list_of.get(kind.__name__) for kind in type(block).__mro__)
        return block.name not in self._names[path].get(next(name for name in lists if name), ())


def _names_in(path: str) -> "dict[str, set[str]]":
    """The names in each list of a library; none for one that cannot be read."""
    try:
        with bpy.data.libraries.load(path, link=True) as (there, _):
            return {name: set(getattr(there, name)) for name in dir(there)}
    except OSError:
        return {}
