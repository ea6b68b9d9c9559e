"""Reading tar archives, plain or in gzip."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from worker_agent.bundle.kinds import Kind
from worker_agent.bundle.limits import Limits
from worker_agent.bundle.member import Member
from worker_agent.bundle.rejection import Refused, shown
from worker_agent.watchdog import still_alive

CHUNK_BYTES: Final = 256 * 1024
_HEADERS_BYTES: Final = 1024**3
"""What headers and padding may take beside the files: 100,000 honest ones need a tenth."""
_SKIP_BYTES: Final = 1024**3
"""In one step: gzip unpacks what it skips."""
_MULTI_VOLUME: Final = b"M"


class _BoundedStream:
    """An unpacked tar that gives little at once, and ends with a refusal where it gets too long.

    tarfile reads long names into memory whole, however long they claim to be, and skips over a
    file by unpacking it; and it goes back, for ever, when a size is negative.
    """

    def __init__(self, file: IO[bytes], limits: Limits, packed_bytes: int) -> None:
        self._file = file
        self._too_large = Refused(limits.too_large(packed_bytes))
        self._most_bytes = limits.unpacked_bytes(packed_bytes) + _HEADERS_BYTES

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= CHUNK_BYTES:
            raise Refused("is damaged: it holds a name that claims to be longer than any name")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        if position > self._most_bytes:
            raise self._too_large
        if position < 0:
            raise Refused("is damaged: an entry claims a size below nothing")
        for halfway in range(self._file.tell() + _SKIP_BYTES, position, _SKIP_BYTES):
            still_alive()
            self._file.seek(halfway)
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()

    def read_to_the_end(self) -> None:
        """For gzip's checksum, which is the last thing in the file."""
        while self.read(CHUNK_BYTES):
            if self.tell() > self._most_bytes:
                raise self._too_large


@contextmanager
def open_tar(archive: Path, kind: Kind, limits: Limits) -> Iterator[Callable[[], Iterator[Member]]]:
    """Yields a function that lists the entries. Raises Refused, or what tarfile and gzip raise."""

    def members() -> Iterator[Member]:
        with _unpacked(archive, kind) as file:
            stream = _BoundedStream(file, limits, archive.stat().st_size)
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r:") as bundle:
                while (entry := bundle.next()) is not None:
                    bundle.members = []  # type: ignore[attr-defined]  # 100 MB of no use to us
                    yield _member(bundle, entry)
            stream.read_to_the_end()

    yield members


def _unpacked(archive: Path, kind: Kind) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(archive)) if kind is Kind.TAR_GZ else archive.open("rb")


def _member(bundle: tarfile.TarFile, entry: tarfile.TarInfo) -> Member:
    if entry.issym() or entry.islnk():
        raise Refused(
            f"holds {shown(entry.name)}, a link to {shown(entry.linkname)}: pack the files themselves "
            "(tar --dereference --hard-dereference)"
        )
    if entry.type == _MULTI_VOLUME:
        raise Refused("is one of several volumes of a tar: pack it as one file")
    if not (entry.isfile() or entry.isdir()):
        raise Refused(f"holds {shown(entry.name)}, a device or a pipe: expected files and folders")

    def open_() -> IO[bytes]:
        content = bundle.extractfile(entry)
        assert content is not None  # it is a file
        return content

    return Member(
        name=entry.name, size_bytes=0 if entry.isdir() else entry.size, is_folder=entry.isdir(), open=open_
    )
