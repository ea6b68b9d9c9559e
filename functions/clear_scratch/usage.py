"""How much the scratch space holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def count_bytes(root: Path, out_of_time: Callable[[], bool]) -> int | None:
    """Bytes of all files; None when the time was out before all were seen, or a folder cannot be read.

    Half a count would look as if space had been freed. What goes away meanwhile is not counted.
    """
    total = 0
    folders = [os.fspath(root)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if out_of_time():
                        return None
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += _size(entry)
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return total


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0
