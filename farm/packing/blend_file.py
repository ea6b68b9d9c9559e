"""A .blend as a graph of blocks: read by blender-asset-tracer, followed by its pointers."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blender_asset_tracer import blendfile
from blender_asset_tracer.blendfile import exceptions
from blender_asset_tracer.blendfile.dna import Struct

from farm.file_stamp import stamp

_BROKEN: Final = (
    *(exceptions.BlendFileError, struct.error, zlib.error, EOFError, ValueError, KeyError, IndexError),
    *(AssertionError, RuntimeError, OverflowError, MemoryError),
)
"""What the reader raises on a file that is none, or is cut off."""
_NOT_FOLLOWED: Final = frozenset(
    {
        *((b"ID", name) for name in (b"next", b"prev", b"newid", b"orig_id", b"lib")),
        (b"Scene", b"toolsettings"),  # what was painted on last
        (b"Camera", b"bg_images"),  # only the viewport shows them
        (b"Library", b"parent"),
        *((b"ViewLayer", name) for name in (b"object_bases", b"basact")),  # they are in its collections
        # of a node tree, the nodes that lead somewhere are asked for by themselves
        *((b"bNode", name) for name in (b"next", b"internal_links")),
        *((b"bNodeTree", name) for name in (b"nodes", b"links")),
        (b"bNodeSocket", b"link"),
    }
)
_NO_FILES_BEHIND: Final = frozenset({b"MDeformVert", b"MDisps", b"BezTriple", b"PTCacheMem", b"PackedFile"})
"""There may be millions of these."""
PLACEHOLDER: Final = b"ID"
"""Code of a block that stands for one of a library."""


class UnreadableBlendError(ValueError):
    """A file that cannot be looked into; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a text stands in the decompressed file, so that another can be put in its place."""

    text: str
    offset_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Pointer:
    offset: int
    to_array: bool
    """It leads to an array of pointers."""
    name: bytes


class Blend:
    """One open file. Addresses of blocks are their names here."""

    def __init__(self, path: Path) -> None:
        """Raises UnreadableBlendError, and OSError."""
        self.path = path
        self.stamp = stamp(path)
        self._file: Any = blendfile.BlendFile.__new__(blendfile.BlendFile)
        try:
            blendfile.BlendFile.__init__(self._file, path)
        except BaseException as error:
            if hasattr(self._file, "fileobj"):  # it would stay open
                self._file.fileobj.close()
            if not isinstance(error, _BROKEN):
                raise
            raise UnreadableBlendError(f"{path} cannot be read as a .blend: {error}") from error
        self._pointers: dict[int, tuple[_Pointer, ...]] = {}
        self._word = struct.Struct(
            self._file.header.endian_str.decode() + ("Q" if self._file.header.pointer_size == 8 else "I")
        )

    def close(self) -> None:
        self._file.close()

    @property
    def version(self) -> int:
        """Of the Blender that saved it: 405 for 4.5."""
        return int(self._file.header.version)

    @property
    def plain_path(self) -> Path:
        """The content without compression; as long as the file is open."""
        return Path(self._file.raw_filepath)

    def with_code(self, code: bytes) -> list[Any]:
        return list(self._file.code_index.get(code, ()))

    def block(self, address: int) -> Any | None:
        return self._file.block_from_addr.get(address)

    def kind_of(self, block: Any) -> bytes:
        """The name of its struct."""
        return bytes(block.dna_type_id)

    def items(self, block: Any) -> Iterator[Item]:
        """The structs in a block, of which most have one."""
        size = block.dna_type.size
        for index in range(max(1, block.count)):
            yield Item(self, block, index * size)

    def follow(self, block: Any, *, only: bytes = b"", without: bytes = b"") -> Iterator[Any]:
        """The blocks that its pointers lead to: of all, of those with one name, or of those with another."""
        kind = self.kind_of(block)
        if block.sdna_index == 0 or kind in _NO_FILES_BEHIND:
            return
        pointers = self._pointers_of(block.sdna_index, block.dna_type)
        if not pointers:
            return
        data, size = self._bytes_of(block), block.dna_type.size
        for start in range(0, max(1, block.count) * size, size):
            for pointer in pointers:
                if (only and pointer.name != only) or (without and pointer.name == without):
                    continue
                target = self._at(data, start + pointer.offset)
                if target is None:
                    continue
                yield from self._array(target) if pointer.to_array else (target,)

    def _array(self, block: Any) -> Iterator[Any]:
        data = self._bytes_of(block)
        for offset in range(0, len(data) - self._word.size + 1, self._word.size):
            target = self._at(data, offset)
            if target is not None:
                yield target

    def _at(self, data: bytes, offset: int) -> Any | None:
        if offset + self._word.size > len(data):
            return None
        (address,) = self._word.unpack_from(data, offset)
        return self._file.block_from_addr.get(address) if address else None

    def _bytes_of(self, block: Any) -> bytes:
        return bytes(block.raw_data())

    def _pointers_of(self, index: int, kind: Struct) -> tuple[_Pointer, ...]:
        if index not in self._pointers:
            self._pointers[index] = tuple(_pointers(kind, 0, self._word.size))
        return self._pointers[index]


@dataclass(frozen=True, slots=True)
class Item:
    """One struct: its fields by name. What another Blender does not have is absent, not an error."""

    blend: Blend
    block: Any
    start: int

    def number(self, *path: bytes) -> int:
        """A whole number, or the first of several; 0 where there is none."""
        found = self._find(path)
        if found is None:
            return 0
        offset, field = found
        size = field.dna_type.size if not field.name.is_pointer else self.blend._word.size
        if field.dna_type.dna_type_id in (b"float", b"double") and not field.name.is_pointer:
            return 0
        little = self.blend._file.header.is_little_endian
        return int.from_bytes(self._read(offset, size), "little" if little else "big", signed=size < 8)

    def has(self, name: bytes) -> bool:
        return self._find((name,)) is not None

    def text(self, *path: bytes) -> Field | None:
        """A path or a name; None where there is no such field."""
        found = self._find(path)
        if found is None or found[1].name.is_pointer:
            return None
        offset, field = found
        return self._field(offset, field.size)

    def pointed_text(self, name: bytes) -> Field | None:
        """A text that has a block of its own."""
        block = self.pointer(name)
        return None if block is None else Item(self.blend, block, 0)._field(0, block.size)

    def pointer(self, *path: bytes) -> Any | None:
        return self.blend.block(self.number(*path))

    def list(self, *path: bytes) -> Iterator[Item]:
        """The items of a linked list."""
        block, seen = self.pointer(*path, b"first"), set()
        while block is not None and block.addr_old not in seen:
            seen.add(block.addr_old)
            item = Item(self.blend, block, 0)
            yield item
            block = item.pointer(b"next")

    def _field(self, offset: int, size: int) -> Field:
        text = self._read(offset, size).partition(b"\0")[0]
        return Field(os.fsdecode(text), self.block.file_offset + self.start + offset, size)

    def _find(self, path: tuple[bytes, ...]) -> tuple[int, Any] | None:
        kind, offset, field = self.block.dna_type, 0, None
        for name in path:
            field = kind._fields_by_name.get(name)
            if field is None:
                return None
            offset += field.offset
            kind = field.dna_type
        return (offset, field)

    def _read(self, offset: int, size: int) -> bytes:
        file = self.blend._file.fileobj
        file.seek(self.block.file_offset + self.start + offset)
        return bytes(file.read(size))


def _pointers(kind: Struct, start: int, pointer_bytes: int) -> Iterator[_Pointer]:
    """Of a struct and of those inside it."""
    for field in kind.fields:
        name = field.name
        if name.is_method_pointer or (kind.dna_type_id, name.name_only) in _NOT_FOLLOWED:
            continue
        offset = start + field.offset
        if name.is_pointer:
            if name.name_only == b"prev":
                continue
            for index in range(name.array_size):
                to_array = name.name_full.startswith(b"**")
                yield _Pointer(offset + index * pointer_bytes, to_array, name.name_only)
        elif field.dna_type.fields:
            for index in range(name.array_size):
                yield from _pointers(field.dna_type, offset + index * field.dna_type.size, pointer_bytes)
