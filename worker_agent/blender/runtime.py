"""A runtime: a Blender executable, or a Python that has the `bpy` module."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.cage.roots import blender_roots, python_roots
from contract.runtimes import RuntimeForm, form_of

# Exit code of an uncaught Python error inside the executable (without it Blender exits with 0).
PYTHON_ERROR_EXIT_CODE = 3


@dataclass(frozen=True)
class Runtime:
    """Where Blender is and which of its two forms it has."""

    path: Path
    is_python: bool

    @classmethod
    def of(cls, path: str | Path) -> "Runtime":
        """The runtime at a path, its form told by its name.

        The path is made absolute but links are kept: a virtual environment's `bin/python` is a
        link, and only by that name does it find its packages.
        """
        absolute = Path(path).absolute()
        return cls(path=absolute, is_python=form_of(str(absolute)) is RuntimeForm.MODULE)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The files and folders that it is made of, besides what the system has below /usr."""
        return python_roots(self.path) if self.is_python else blender_roots(self.path)

    def argv(self, script: Path, arguments: Sequence[object]) -> list[str]:
        """The command line that runs a Python script inside Blender; its arguments come last in sys.argv."""
        last = [str(argument) for argument in arguments]
        if self.is_python:
            # -I: neither the environment nor the working directory adds modules;
            # -B: the agent's own folder is not written to.
            return [str(self.path), "-I", "-B", str(script), *last]
        return [
            str(self.path),
            "--background",
            "--factory-startup",
            "--disable-autoexec",
            "--python-exit-code",  # must come before --python
            str(PYTHON_ERROR_EXIT_CODE),
            "--python",
            str(script),
            "--",
            *last,
        ]


def child_environment(workdir: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """All that Blender sees of the environment: a stranger's file gets no credentials.

    Only PATH is taken over; settings, caches and temporary files live in `workdir`.
    """
    user = workdir / "blender_user"
    return {
        "PATH": inherited.get("PATH", "/usr/local/bin:/usr/bin:/bin"),
        "HOME": str(workdir),
        "TMPDIR": str(workdir),
        "LANG": "C.UTF-8",
        "BLENDER_USER_RESOURCES": str(user),
        "BLENDER_USER_CONFIG": str(user / "config"),
        "BLENDER_USER_SCRIPTS": str(user / "scripts"),
        "BLENDER_USER_DATAFILES": str(user / "datafiles"),
        "BLENDER_USER_EXTENSIONS": str(user / "extensions"),
    }
