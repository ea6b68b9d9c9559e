"""How much an archive may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GIB: Final = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Far above what honest projects need; a bomb costs its sender more than the farm."""

    max_files: int = 100_000
    max_unpacked_bytes: int = 200 * GIB
    max_ratio: int = 200
    """Unpacked bytes for one packed: pictures, caches and .blends stay below 20, zeros reach 1,000."""
    free_unpacked_bytes: int = GIB
    """Up to here the ratio does not matter: an empty scene packs well."""

    def unpacked_bytes(self, packed_bytes: int) -> int:
        """The most that an archive of this size may unpack to."""
        return min(self.max_unpacked_bytes, max(self.free_unpacked_bytes, self.max_ratio * packed_bytes))

    def too_large(self, packed_bytes: int) -> str:
        """What to say of an archive of this size that unpacks to more."""
        most = size_in_words(self.unpacked_bytes(packed_bytes))
        if self.unpacked_bytes(packed_bytes) == self.max_unpacked_bytes:
            return f"unpacks to more than {most}, the most that the farm takes"
        return (
            f"unpacks to more than {most}, which is more than {self.max_ratio} times its own size: "
            "expected a project's files, not a bomb"
        )


def size_in_words(size_bytes: int) -> str:
    for unit, factor in (("GiB", GIB), ("MiB", 1024**2), ("KiB", 1024)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes} bytes"
