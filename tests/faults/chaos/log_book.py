"""What the fake Blender did, a line for each deed in a file for each job: written by it, read by the harness.

A line is one write at the file's end, so processes that write at once do not mix theirs. Standard library
only: the fake imports it.
"""

import os
import time
from typing import NamedTuple


class Deed(NamedTuple):
    at: float
    """Epoch seconds."""
    what: str
    frame: int


class LogBook:
    """The deeds of one job's Blenders."""

    def __init__(self, folder: str, job_id: str) -> None:
        self.job_id = job_id
        self._path = f"{folder}/{job_id}.log"

    def write(self, what: str, frame: int) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, f"{time.time():.3f} {what} {frame}\n".encode())
        finally:
            os.close(descriptor)

    def read(self) -> "list[Deed]":
        try:
            with open(self._path) as file:  # noqa: PTH123 - pathlib takes a while to load
                lines = [line.split() for line in file]
        except FileNotFoundError:
            return []
        return [Deed(float(at), what, int(frame)) for at, what, frame in lines]

    def count(self, what: str, frame: int) -> int:
        return sum(deed.what == what and deed.frame == frame for deed in self.read())

    def mend(self) -> None:
        """From now on no order holds: the artist has seen to it."""
        with open(f"{self._path}.mended", "w"):  # noqa: PTH123 - as above
            pass

    def is_mended(self) -> bool:
        return os.path.exists(f"{self._path}.mended")  # noqa: PTH110 - as above
