"""The command line that starts a program in a cage of its own: an argument list, made of values only.

Inside there is no network, no process but the program's own, no capability, and of the files only what is
named here, each under the path that it has outside, unless another is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.cage.roots import SYSTEM_FILES, SYSTEM_LINKS, graphics_facts

PROGRAM: Final = "bwrap"
TEMPORARY_BYTES: Final = 256 * 1024**2
"""Of memory, in each of the cage's own /tmp and /dev/shm; Blender's own temporary files go to its home."""
INSIDE_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_USER: Final = "1000"
"""Inside; outside it stays the user that started it. Not 0: programs take that for power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What a caged program sees of the machine, besides the system's own programs and libraries."""

    readable: tuple[Path, ...]
    """Files and folders that it may read."""
    writable: tuple[Path, ...]
    """Folders that it may change."""
    renamed: tuple[tuple[Path, Path], ...] = ()
    """Folders that it may read under another path: the one outside, then the one inside. What becomes of
    their names outside makes no difference inside."""
    devices: tuple[Path, ...] = ()
    """Device files of graphics cards, and nothing else. With any, the machine's /sys can be read in part
    (`contract.cage.roots.graphics_facts`)."""


def caged(
    command: Sequence[str],
    confinement: Confinement,
    *,
    environment: Mapping[str, str],
    folder: Path,
    offered: frozenset[str],
    bwrap: str = PROGRAM,
) -> list[str]:
    """`command` as bubblewrap starts it, in `folder` and with no other environment.

    `offered` are the options that this bubblewrap has (`contract.cage.probe`): older ones lack some that
    a cage can do without.
    """
    variables = [*_offered(("--clearenv",), offered)]
    for name, value in ({**environment, "PATH": INSIDE_PATH}).items():
        variables += ["--setenv", name, value]
    return [
        bwrap,
        *("--unshare-all", "--unshare-user", *_offered(("--disable-userns",), offered)),
        *("--uid", _USER, "--gid", _USER, "--hostname", "cage"),
        *("--cap-drop", "ALL"),
        # It acts when the *thread* ends that started bubblewrap: in the agent, one that lives as long as it.
        *("--die-with-parent", "--new-session"),
        *variables,
        *_system(),
        *("--proc", "/proc", "--dev", "/dev"),
        *_memory_folder("/dev/shm", offered),
        *_binds("--dev-bind-try", confinement.devices),
        *("--remount-ro", "/dev"),
        *_memory_folder("/tmp", offered),
        *_binds("--ro-bind", graphics_facts() if confinement.devices else ()),
        *_binds("--ro-bind", confinement.readable),
        *(part for paths in confinement.renamed for part in ("--ro-bind", *map(str, paths))),
        *_binds("--bind", confinement.writable),
        *("--remount-ro", "/", "--chdir", str(folder), "--", *command),
    ]


def _system() -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr"]
    for link in SYSTEM_LINKS:
        if link.is_symlink():
            arguments += ["--symlink", str(link.readlink()), str(link)]
        elif link.exists():
            arguments += ["--ro-bind", str(link), str(link)]
    for file in SYSTEM_FILES:
        arguments += ["--ro-bind-try", str(file), str(file)]
    # Blender looks there for the mounts, and complains in its log when there are none.
    return [*arguments, "--symlink", "/proc/self/mounts", "/etc/mtab"]


def _binds(option: str, paths: Sequence[Path]) -> list[str]:
    """Shallow ones first: a mount hides what was mounted below its place before."""
    return [
        part
        for path in sorted(dict.fromkeys(paths), key=lambda path: len(path.parts))
        for part in (option, str(path), str(path))
    ]


def _memory_folder(place: str, offered: frozenset[str]) -> list[str]:
    return [*_offered(("--size", str(TEMPORARY_BYTES)), offered), "--tmpfs", place]


def _offered(arguments: tuple[str, ...], offered: frozenset[str]) -> tuple[str, ...]:
    return arguments if arguments[0] in offered else ()
