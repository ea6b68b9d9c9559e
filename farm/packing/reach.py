"""From the scene to whatever it reaches, in its own file and in the libraries that it links from."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

from farm.packing.blend_file import PLACEHOLDER, Blend, Field, Item, UnreadableBlendError
from farm.packing.need import Need
from farm.packing.paths import Disk, locate
from farm.packing.readers import ASKING_KINDS, needs_of
from farm.packing.rendered import (
    CODE_BYTES,
    followed,
    full_name,
    hidden_collections,
    is_data_block,
    is_hidden,
    is_off,
    library_path,
    name_of,
    shown_nodes,
)

_WORDS: Final = {
    b"OB": "object",
    b"ME": "mesh",
    b"MA": "material",
    b"GR": "collection",
    b"NT": "node tree",
    b"IM": "image",
    b"SC": "scene",
    b"WO": "world",
    b"AC": "action",
}


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that the scene needs and that is not there."""

    kind: str
    name: str
    path: str
    detail: str = ""

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}" ({self.path or "no path"}{"; " * bool(self.detail)}{self.detail})'


@dataclass(slots=True)
class Found:
    """What the walk has seen."""

    blends: dict[Path, Blend] = field(default_factory=dict)
    """The scene's own file and its libraries, open."""
    needs: dict[Path, list[Need]] = field(default_factory=dict)
    """By the .blend that has the path."""
    library_paths: dict[Path, list[Field]] = field(default_factory=dict)
    """Every path of a library in a .blend."""
    missing: list[Lack] = field(default_factory=list)
    silent: list[Lack] = field(default_factory=list)
    """What is missing and of no consequence to a picture: sounds, and files of what is hidden."""

    def lacks(self, lack: Lack, *, shown: bool) -> None:
        """Once, however many data-blocks lack it."""
        if shown and lack not in self.missing:
            self.missing.append(lack)
        elif not shown and lack not in self.missing and lack not in self.silent:
            self.silent.append(lack)


def walk(blend: Path, scene: str | None, closing: ExitStack) -> Found:
    """Follow a scene, the one that is open in the file unless another is named and there.

    Raises UnreadableBlendError, OSError. The files stay open until `closing` ends.
    """
    steps = _Walk(closing)
    main = steps.open(blend)
    root = _scene(main, scene)
    steps.hidden[blend] = set(hidden_collections(main, root))
    steps.follow(main, [root])
    steps.shown = False
    for path, blocks in [(path, list(blocks)) for path, blocks in steps.later.items()]:
        steps.follow(steps.found.blends[path], blocks)
    return steps.found


class _Walk:
    """What is shown comes first; what is hidden is packed as well, for a driver may show it."""

    def __init__(self, closing: ExitStack) -> None:
        self.found = Found()
        self.shown = True
        self.later: dict[Path, list[Any]] = {}
        self.hidden: dict[Path, set[int]] = {}
        self._closing = closing
        self._disk = Disk()
        self._seen: dict[Path, set[int]] = {}
        self._linked: dict[Path, set[bytes]] = {}
        """Names of data-blocks that have been asked of a library."""

    def open(self, path: Path) -> Blend:
        blend = Blend(path)
        self._closing.callback(blend.close)
        self.found.blends[path] = blend
        self.found.needs[path] = []
        fields = [library_path(Item(blend, block, 0)) for block in blend.with_code(b"LI")]
        self.found.library_paths[path] = [field for field in fields if field]
        return blend

    def follow(self, blend: Blend, roots: list[Any]) -> None:
        """Through this file, then through the libraries that it leads to."""
        wanted: dict[Path, set[bytes]] = {}
        self._follow(blend, roots, wanted)
        while wanted:
            path, names = wanted.popitem()
            asked = self._linked.setdefault(path, set())
            fresh = names - asked
            asked |= fresh
            if fresh:
                library = self.found.blends.get(path) or self.open(path)
                self._follow(library, self._named(library, fresh), wanted)

    def _follow(self, blend: Blend, roots: list[Any], wanted: dict[Path, set[bytes]]) -> None:
        """Each block once, with the name of the data-block that it belongs to."""
        seen, later = self._seen.setdefault(blend.path, set()), self.later.setdefault(blend.path, [])
        hidden = self.hidden.setdefault(blend.path, set())
        todo = [(block, "") for block in roots]
        seen.update(block.addr_old for block in roots)
        while todo:
            block, owner = todo.pop()
            if block.code == PLACEHOLDER:
                self._link(blend, Item(blend, block, 0), wanted)
                continue
            if self.shown and (block.addr_old in hidden or is_hidden(blend, block)):
                later.append(block)
                continue
            if is_data_block(block):
                owner = name_of(Item(blend, block, 0))
            if is_off(blend, block):
                targets = blend.follow(block, only=b"next")
            else:
                self._ask(blend, block, owner)
                targets = chain(shown_nodes(blend, block), followed(blend, block))
            for target in targets:
                if target.addr_old not in seen:
                    seen.add(target.addr_old)
                    todo.append((target, owner))

    def _ask(self, blend: Blend, block: Any, owner: str) -> None:
        kind = blend.kind_of(block)
        if kind not in ASKING_KINDS:
            return
        for item in blend.items(block):
            for need in needs_of(kind, item, owner, blend.path.parent, self._disk):
                self.found.needs[blend.path].append(need)
                if need.missing:
                    lack = Lack(need.kind, need.name, need.asks_for or need.field.text, need.missing)
                    self.found.lacks(lack, shown=self.shown and need.shows)

    def _link(self, blend: Blend, item: Item, wanted: dict[Path, set[bytes]]) -> None:
        """Something of a library: looked for there, unless the library is packed into the file."""
        block = item.pointer(b"lib")
        if block is None:
            return
        library = Item(blend, block, 0)
        stored, name = library_path(library), item.text(b"name")
        if stored is None or name is None or library.number(b"packedfile"):
            return
        path = locate(stored.text, blend.path.parent)
        if self._disk.has(path):
            wanted.setdefault(path, set()).add(os.fsencode(name.text))
        else:
            self.found.lacks(Lack("library", name_of(library), stored.text), shown=self.shown)

    def _named(self, library: Blend, names: set[bytes]) -> list[Any]:
        """The data-blocks of a library that are linked from it; those that it has not are missing."""
        there: dict[bytes, Any] = {}
        for code in {name[:CODE_BYTES] for name in names}:
            for block in library.with_code(code):
                there[os.fsencode(full_name(Item(library, block, 0)))] = block
        for name in sorted(names - set(there)):
            kind = _WORDS.get(name[:CODE_BYTES], "data-block")
            text = os.fsdecode(name[CODE_BYTES:])
            lack = Lack(f"linked {kind}", text, str(library.path), f'it has no {kind} "{text}"')
            self.found.lacks(lack, shown=self.shown)
        return [there[name] for name in sorted(names & set(there))]


def _scene(blend: Blend, name: str | None) -> Any:
    """A name that is wrong, the farm answers with the names that there are."""
    scenes = blend.with_code(b"SC")
    named = [block for block in scenes if name_of(Item(blend, block, 0)) == name]
    current = [Item(blend, block, 0).pointer(b"curscene") for block in blend.with_code(b"GLOB")]
    for block in (*named, *current, *scenes):
        if block is not None:
            return block
    raise UnreadableBlendError(f"{blend.path} cannot be rendered: it has no scene")
