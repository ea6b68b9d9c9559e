"""The names that a frame's files must have, told from what its scene writes."""

import re
from collections.abc import Sequence

from worker_agent.blender import FrameOutputs, NodeFile


def main_files(frame: int, outputs: FrameOutputs) -> tuple[str, ...]:
    """Names of the main picture's files: one, or one for each view."""
    stem = f"{'-' if frame < 0 else ''}{abs(frame):04d}"
    return tuple(f"{stem}{suffix}{outputs.main.extension}" for suffix in outputs.main.suffixes)


def missing_node_files(frame: int, outputs: FrameOutputs, files: Sequence[str]) -> list[str]:
    """What File Output nodes have not written, in words; several slots may write one file."""
    missing = []
    for item in outputs.node_files:
        start = f"{item.folder}/{_numbered(item, frame)}".casefold()
        found = sum(1 for name in files if name.casefold().startswith(start))
        if found < item.count:
            of = "" if item.count == 1 else f": {found} of {item.count} files (one for each view)"
            missing.append(f'"{item.folder}/{_numbered(item, frame)}" of the node "{item.node}"{of}')
    return missing


def _numbered(item: NodeFile, frame: int) -> str:
    """The path with the frame's number in it, as Blender puts it there."""
    folder, slash, name = item.stem.rpartition("/")
    runs = list(re.finditer("#+", name))
    start, end, digits = (*runs[-1].span(), len(runs[-1][0])) if runs else (len(name), len(name), 4)
    number = f"{'-' if frame < 0 else ''}{abs(frame):0{digits}d}"
    return f"{folder}{slash}{name[:start]}{number}" + (name[end:] if runs else "")
