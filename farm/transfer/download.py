"""Fetching an object: goes on where it broke off, and appears under its name only when it is whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from uuid import uuid4

from botocore.exceptions import ClientError

from farm.transfer.patience import GaveUpError, Patience, is_passing, status_of
from farm.transfer.verification import Identity, identify

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES: Final = 256 * 1024
_TRIES_OF_THE_WHOLE: Final = 3


class DamagedError(OSError):
    """What was fetched is not what is there, again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    path: Path
    size_bytes: int
    fetched_bytes: int
    """0 for a file that was there already."""
    checksum: str
    """How it was verified; empty when S3 knows nothing but its size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    s3: S3Client
    bucket: str
    patience: Patience

    def fetch(self, key: str, path: Path, tell: Callable[[int], object] = lambda size: None) -> Fetched:
        """Make the file at `path` the object. `tell` hears of the bytes that come.

        Raises ClientError (404 when there is no such object), GaveUpError, DamagedError, OSError. What has
        come until then is kept beside the file, for the next time.
        """
        fetched_bytes = 0

        def count(size: int) -> None:
            nonlocal fetched_bytes
            fetched_bytes += size
            tell(size)

        for _ in range(_TRIES_OF_THE_WHOLE):
            there = self.patience.call(f"a look at {key}", lambda: identify(self.s3, self.bucket, key))
            if not path.is_symlink() and there.fits(path):
                return self._fetched(path, there, fetched_bytes)
            with _held_part(path, key, there.etag) as part:
                if not self._complete(key, there, part, count):
                    continue  # another object has come in its place
                if there.fits(part):
                    part.replace(path)
                    return self._fetched(path, there, fetched_bytes)
                part.unlink()
        raise DamagedError(f"{key} came damaged {_TRIES_OF_THE_WHOLE} times: it was not kept")

    def _fetched(self, path: Path, there: Identity, fetched_bytes: int) -> Fetched:
        return Fetched(
            path=path, size_bytes=there.size_bytes, fetched_bytes=fetched_bytes, checksum=there.checksum
        )

    def _complete(self, key: str, there: Identity, part: Path, tell: Callable[[int], object]) -> bool:
        """Fetch what is still to come. False when the object has become another one."""
        failures = 0
        while (have := size_of(part)) < there.size_bytes:
            last: Exception | None = None
            try:
                self._append(key, there, part, have, tell)
            except Exception as error:
                if isinstance(error, ClientError) and status_of(error) == HTTPStatus.PRECONDITION_FAILED:
                    part.unlink(missing_ok=True)
                    return False
                if not is_passing(error):
                    raise
                last = error
            failures = 0 if size_of(part) > have else failures + 1
            if failures >= self.patience.tries:
                raise GaveUpError(f"nothing more of {key} came in {failures} tries: {last}. Try again later")
            if last is not None:
                self.patience.wait(max(1, failures))
        return True

    def _append(
        self, key: str, there: Identity, part: Path, have: int, tell: Callable[[int], object]
    ) -> None:
        """From where it broke off to the end, or to where it breaks again."""
        with _opened(part) as file:
            answer = self.s3.get_object(
                Bucket=self.bucket, Key=key, IfMatch=there.etag, Range=f"bytes={have}-"
            )
            for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)
                tell(len(chunk))


def part_of(path: Path, key: str, etag: str) -> Path:
    """Where an object is kept until it is whole: another object has another place."""
    name = hashlib.sha256(f"{key}\0{etag}".encode()).hexdigest()[:16]
    return path.parent / f".{name}.part"


def size_of(part: Path) -> int:
    try:
        return 0 if part.is_symlink() else part.stat().st_size
    except OSError:
        return 0


@contextmanager
def _held_part(path: Path, key: str, etag: str) -> Iterator[Path]:
    """The part that an earlier run has left, or a new one. While somebody else fetches the same object to the
    same place, one of our own, which is gone in the end: two that write into one would destroy it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path, key, etag)
    while True:
        with _opened(part) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                break
            except OSError:  # a disk that knows no locks
                pass
            if _is_at(file, part):  # not one that has got its name in the meantime
                yield part
                return
    own = part.with_name(f"{part.stem}.{os.getpid()}.{uuid4().hex[:8]}.part")
    try:
        yield own
    finally:
        own.unlink(missing_ok=True)


def _is_at(file: IO[bytes], path: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    return False


def _opened(part: Path) -> IO[bytes]:
    """To append to; never through a link that somebody has put there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(part, flags, 0o644), "ab")
