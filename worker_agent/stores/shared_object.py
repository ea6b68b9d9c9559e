"""One object of what several frames have, put together before it is put into the bucket."""

from __future__ import annotations

from contract.stored_part import StoredPart


class SharedObject:
    """`key` is as StoredPart has it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._content = bytearray()

    def add(self, data: bytes) -> StoredPart:
        """Put it behind what is there. It must not be empty: no range of bytes is."""
        part = StoredPart(key=self.key, start=len(self._content), size_bytes=len(data))
        self._content += data
        return part

    @property
    def content(self) -> bytes:
        return bytes(self._content)
