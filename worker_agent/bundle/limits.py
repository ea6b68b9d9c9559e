"""How much an archive may hold."""

from __future__ import annotations

from dataclasses import dataclass

from contract.archives import FREE_UNPACKED_BYTES, MAX_FILES, MAX_RATIO, MAX_UNPACKED_BYTES, size_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Far above what honest projects need; a bomb costs its sender more than the farm."""

    max_files: int = MAX_FILES
    max_unpacked_bytes: int = MAX_UNPACKED_BYTES
    max_ratio: int = MAX_RATIO
    free_unpacked_bytes: int = FREE_UNPACKED_BYTES

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
