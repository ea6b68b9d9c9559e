"""Reading pieces of the file that Blender prints into."""

from pathlib import Path

MAX_LOG_BYTES = 64 * 1024


class LogFile:
    """The child's output on disk. Never raises: a log that cannot be read is an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = self.size()

    def size(self) -> int:
        """Bytes written so far."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def since_mark(self, end: int | None = None) -> str:
        """What was printed from the last call's end to `end` (a byte offset; None: all there is).

        The middle is left out when it is long.
        """
        start, size = self._mark, self.size()
        end = size if end is None else max(start, min(end, size))
        self._mark = end
        if end - start <= MAX_LOG_BYTES:
            return self._read(start, end)
        half = MAX_LOG_BYTES // 2
        left_out = end - start - 2 * half
        head, tail = self._read(start, start + half), self._read(end - half, end)
        return f"{head}\n… {left_out} bytes left out …\n{tail}"

    def tail(self) -> str:
        """The last part of everything printed."""
        end = self.size()
        return self._read(max(0, end - MAX_LOG_BYTES), end)

    def _read(self, start: int, end: int) -> str:
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                return file.read(max(0, end - start)).decode("utf-8", "replace")
        except OSError:
            return ""
