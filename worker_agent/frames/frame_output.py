"""Taking what a frame has written out of a Blender's hands: copies that only the agent can change.

Whoever wrote the files may be a stranger's script that is still running. So no link is followed at any
step of a path, and what is checked, uploaded and recorded is a copy: a file that was merely moved could be
changed through a descriptor that was kept open.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from contract.archives import size_in_words
from worker_agent.blender import RenderedFrame
from worker_agent.output_check import InvalidOutput

MOST_FILE_BYTES: Final = 8 * 1024**3
"""A file may claim any size without having it; the largest pictures are below this."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a pipe in a file's place would hold up the agent for ever.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _Refused(Exception):
    """Why a file is not taken, in a sentence."""


def take(rendered: RenderedFrame, written: Path, kept: Path) -> None:
    """Copy a frame's files from the folder `written` to `kept`, and remove them there.

    One that is missing is left to who checks the frame. Raises InvalidOutput for what is no plain file of
    the frame's own, and OSError when there is no room for it.
    """
    try:
        for name in rendered.files:
            _take(name, written, kept)
    except _Refused as refused:
        raise InvalidOutput(str(refused), rendered.log, rendered.frame) from refused


def _take(name: str, written: Path, kept: Path) -> None:
    *folders, last = _parts(name)
    try:
        with _opened_folder(written, folders) as folder, _opened(name, last, folder) as (source, size):
            target = kept.joinpath(*folders, last)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy:
                _copy(source, copy.fileno(), size)
            with suppress(OSError):  # its folder goes as a whole in the end
                os.unlink(last, dir_fd=folder)
    except FileNotFoundError:
        return
    except (NotADirectoryError, IsADirectoryError) as error:
        raise _Refused(f"{name} is not a regular file.") from error


def _parts(name: str) -> Sequence[str]:
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise _Refused(f"The file {name!r} is not inside the frame's own folder.")
    return parts


@contextmanager
def _opened_folder(top: Path, names: Sequence[str]) -> Iterator[int]:
    current = _opened_top(top)
    try:
        for name in names:
            inner = _open(name, _FOLDER, current)
            os.close(current)
            current = inner
        yield current
    finally:
        os.close(current)


def _opened_top(top: Path) -> int:
    """It is the cage's to lock or to put a link in its place, and so it is the frame's failure."""
    try:
        return os.open(top, _FOLDER)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _Refused(f"The frame has made its own folder unusable ({error.strerror}).") from error


@contextmanager
def _opened(name: str, last: str, folder: int) -> Iterator[tuple[int, int]]:
    source = _open(last, _FILE, folder)
    try:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            raise _Refused(f"{name} is not a regular file.")
        if status.st_nlink > 1:
            raise _Refused(f"The file {name} has another name besides, and is not taken.")
        if status.st_size > MOST_FILE_BYTES:
            raise _Refused(f"The file {name} is larger than {size_in_words(MOST_FILE_BYTES)}.")
        yield source, status.st_size
    finally:
        os.close(source)


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if _is_link(name, folder):
            raise _Refused(f"The file {name} is a link, which is not taken.") from error
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise
        raise _Refused(f"The file {name} cannot be read ({error.strerror}).") from error


def _is_link(name: str, folder: int) -> bool:
    with suppress(OSError):
        return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    return False


def _copy(source: int, target: int, size: int) -> None:
    """So much of it as there was when it was looked at: it may grow as fast as it is read."""
    done = 0
    while done < size:
        sent = os.sendfile(target, source, done, size - done)
        if not sent:
            return  # it has become shorter: who checks it will say what is wrong
        done += sent
