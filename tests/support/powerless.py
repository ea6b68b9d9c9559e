"""Running a part of a test as a user whom modes of files bind: root sees through every lock."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

NOBODY = 65534


def powerless(act: Callable[[Path], None], folder: Path) -> None:
    """Have `act` done in a child of this process, in `folder`, which becomes its own.

    It gets the path of the folder as it is to use it: relative, for what lies above may be root's alone.
    Whatever it raises is this process's AssertionError.
    """
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads: this child starts none and needs none
        child = os.fork()
    if child == 0:
        _do(act, folder, write)
    os.close(write)
    with os.fdopen(read) as said:
        trouble = said.read()
    _, status = os.waitpid(child, 0)
    assert (status, trouble) == (0, ""), trouble


def _do(act: Callable[[Path], None], folder: Path, report: int) -> None:
    status = 1
    try:
        os.chdir(folder)
        if os.geteuid() == 0:
            os.chown(".", NOBODY, NOBODY)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        act(Path())
        status = 0
    except BaseException:
        os.write(report, traceback.format_exc()[-4_000:].encode())
    finally:
        os._exit(status)
