"""What a caged Blender needs of the machine to run at all: read-only, and as little as will do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

SYSTEM_LINKS: Final = tuple(map(Path, ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")))
"""Links into /usr, or folders of their own, whichever the system has."""
SYSTEM_FILES: Final = tuple(
    map(Path, ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime"))
)
"""How programs find libraries, fonts and the time zone. No user, host or key is named in them."""
_USR: Final = Path("/usr")
_SERIES: Final = re.compile(r"\d+\.\d+")


def python_roots(python: Path) -> tuple[Path, ...]:
    """The folders of a Python: of its virtual environment, and of the installation behind that."""
    roots = []
    environment = python.parent.parent
    if (environment / "pyvenv.cfg").is_file():
        roots.append(environment)
        home = _home_of(environment / "pyvenv.cfg")
        installations = [home.parent] if home else []
    else:
        installations = [environment]
    installations += [python.resolve().parent.parent]
    for folder in installations:
        roots += [path for path in (folder, folder.resolve()) if _is_installation(path)]
    return outside_usr([*roots, python])


def blender_roots(executable: Path) -> tuple[Path, ...]:
    """The folder of a Blender that lies in one of its own; of one that does not, the file alone."""
    return outside_usr(
        [
            path.parent if _is_blender_folder(path.parent) else path
            for path in (executable, executable.resolve())
        ]
    )


def outside_usr(paths: list[Path]) -> tuple[Path, ...]:
    """Without what is in the cage anyway, or inside another of them."""
    kept = [path for path in dict.fromkeys(paths) if not path.is_relative_to(_USR)]
    return tuple(path for path in kept if not any(other in path.parents for other in kept))


def graphics_devices(dev: Path = Path("/dev")) -> tuple[Path, ...]:
    """The device files of this machine's graphics cards."""
    found = [*dev.glob("nvidia*"), dev / "dri", dev / "kfd"]
    return tuple(sorted(path for path in found if path.exists()))


def graphics_facts(sys: Path = Path("/sys")) -> tuple[Path, ...]:
    """What of the kernel's account of this machine the drivers of graphics cards read to find them.

    CUDA and HIP find no card without it. The classes and buses hold links into /sys/devices.
    """
    found = [
        *(sys / name for name in ("bus/pci", "class/drm", "class/kfd", "dev/char", "devices")),
        *(sys / "module").glob("nvidia*"),
        sys / "module/amdgpu",
    ]
    return tuple(sorted(path for path in found if path.exists()))


def _home_of(configuration: Path) -> Path | None:
    for line in configuration.read_text(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "home" and value.strip():
            return Path(value.strip())
    return None


def _is_installation(folder: Path) -> bool:
    """A Python's own: a link in a person's ~/bin must not put their home into the cage."""
    return any(folder.glob("lib/python3*/os.py"))


def _is_blender_folder(folder: Path) -> bool:
    return any(_SERIES.fullmatch(child.name) and (child / "scripts").is_dir() for child in folder.glob("*.*"))
