"""What of a .blend is rendered, as far as its data say: not what is hidden, off, or leads nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from farm.packing.blend_file import Blend, Field, Item

CODE_BYTES: Final = 2
"""Of a data-block's kind, before its name; the codes of other blocks are longer."""
_MUTED_NODE: Final = 1 << 9
_MUTED_LINK: Final = 1 << 4
_RENDERED_MODIFIER: Final = 1 << 1
_HIDDEN_OBJECT: Final = 1 << 2
_HIDDEN_COLLECTION: Final = 1 << 3
_EXCLUDED_LAYER: Final = 1 << 4
_EMPTY: Final = 0
_NODES_ALWAYS: Final = 500
"""Blender's version from which they cannot be switched off."""


def is_data_block(block: Any) -> bool:
    """One with a name of its own."""
    return len(block.code) == CODE_BYTES


def is_hidden(blend: Blend, block: Any) -> bool:
    """An object or a collection that does not render, and that no animation shows."""
    kind, item = blend.kind_of(block), Item(blend, block, 0)
    if kind == b"Object":
        flag = item.number(b"visibility_flag") | item.number(b"restrictflag")  # its older name
        return bool(flag & _HIDDEN_OBJECT) and not item.number(b"adt")
    return kind == b"Collection" and bool(item.number(b"flag") & _HIDDEN_COLLECTION)


def hidden_collections(blend: Blend, scene: Any) -> Iterator[int]:
    """Addresses of the collections that every view layer excludes."""
    shown: set[int] = set()
    excluded: set[int] = set()
    for layer in Item(blend, scene, 0).list(b"view_layers"):
        todo = list(layer.list(b"layer_collections"))
        while todo:
            item = todo.pop()
            todo += item.list(b"layer_collections")
            into = excluded if item.number(b"flag") & _EXCLUDED_LAYER else shown
            into.add(item.number(b"collection"))
    yield from excluded - shown


def is_off(blend: Blend, block: Any) -> bool:
    """A node or a modifier that does nothing in a render."""
    kind, item = blend.kind_of(block), Item(blend, block, 0)
    if kind == b"bNode":
        return bool(item.number(b"flag") & _MUTED_NODE)
    return kind.endswith(b"ModifierData") and not item.number(b"modifier", b"mode") & _RENDERED_MODIFIER


def followed(blend: Blend, block: Any) -> Iterator[Any]:
    """What a block leads to in a render."""
    kind, item = blend.kind_of(block), Item(blend, block, 0)
    without = b""
    if kind == b"Object" and item.number(b"type") == _EMPTY:
        without = b"data"  # a picture that only the viewport shows
    elif blend.version < _NODES_ALWAYS and item.has(b"use_nodes") and not item.number(b"use_nodes"):
        without = b"nodetree"
    return blend.follow(block, without=without)


def shown_nodes(blend: Blend, block: Any) -> Iterator[Any]:
    """Of a node tree, the nodes that lead to one which gives nothing on: those that have an effect."""
    if blend.kind_of(block) != b"bNodeTree":
        return
    tree, before = Item(blend, block, 0), dict[int, list[int]]()
    for link in tree.list(b"links"):
        if not link.number(b"flag") & _MUTED_LINK:
            before.setdefault(link.number(b"tonode"), []).append(link.number(b"fromnode"))
    todo = [node.block.addr_old for node in tree.list(b"nodes") if _is_end(node)]
    seen = set(todo)
    while todo:
        address = todo.pop()
        node = blend.block(address)
        if node is not None:
            yield node
        fresh = [at for at in before.get(address, ()) if at not in seen]
        seen.update(fresh)
        todo += fresh


def _is_end(node: Item) -> bool:
    """The farm asks for the files of a group of nodes even where the group leads nowhere."""
    name = node.text(b"idname")
    return not node.number(b"outputs", b"first") or (name is not None and name.text.endswith("NodeGroup"))


def library_path(item: Item) -> Field | None:
    return item.text(b"name") or item.text(b"filepath")


def full_name(item: Item) -> str:
    """With the two letters of its kind; of a placeholder, which is nothing but an ID, as well."""
    field = item.text(b"id", b"name") or item.text(b"name")
    return field.text if field else ""


def name_of(item: Item) -> str:
    return full_name(item)[CODE_BYTES:]
