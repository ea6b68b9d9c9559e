"""Which files a frame produced: those in the output folder that are new or were written again."""

import os
from pathlib import Path

_Stamp = tuple[int, int, int]


class OutputWatch:
    """Compares the folder with how it was at the last look."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._seen = self._look()

    def new_files(self, main_stem: str) -> "list[str]":
        """Relative paths with `/` since the last call, sorted, the main picture's first.

        `main_stem` is its name without view and extension (`0001`).
        """
        now = self._look()
        fresh = [path for path, stamp in now.items() if self._seen.get(path) != stamp]
        self._seen = now

        def order(path: str) -> "tuple[bool, str]":
            stem = path.partition(".")[0]
            return stem != main_stem and not stem.startswith(f"{main_stem}_"), path

        return sorted(fresh, key=order)

    def _look(self) -> "dict[str, _Stamp]":
        """Empty files are not seen: they are no product of anything."""
        found: dict[str, _Stamp] = {}
        for folder, _, names in os.walk(self._output):
            for name in names:
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:  # uploaded and removed meanwhile
                    continue
                if stat.st_size:
                    stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                    found[path.relative_to(self._output).as_posix()] = stamp
        return found
