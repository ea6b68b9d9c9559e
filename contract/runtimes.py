"""How a worker is told which Blenders it has: `4.5.15,3.4.1=/usr/bin/blender,5.2.3@/usr/bin/python3.13`.

`version` alone is the official executable, `version=path` a Blender that is there already (an executable,
or a Python that has `bpy`), `version@python` the `bpy` wheel in an environment of that Python. What is not
there is installed at first need. In paths `,` and `%` are percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from urllib.parse import unquote

from contract.blender_releases import is_version


class RuntimeForm(StrEnum):
    """A wheel cannot simulate fluids (Mantaflow): it aborts, or renders black."""

    EXECUTABLE = "executable"
    MODULE = "module"


class RuntimesError(ValueError):
    """No list of runtimes; the message says which part of it is wrong and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSpec:
    """One Blender that a worker has, or can install."""

    version: str
    path: str = ""
    """Where it is already."""
    wheel_python: str = ""
    """The Python of which an environment is made for its wheel."""

    @property
    def form(self) -> RuntimeForm:
        return RuntimeForm.MODULE if self.wheel_python else form_of(self.path)

    def __str__(self) -> str:
        return f"{self.version} ({self.form})"


def form_of(path: str) -> RuntimeForm:
    """A file called `python…` is a Python with bpy, anything else a Blender executable."""
    return RuntimeForm.MODULE if PurePath(path).name.startswith("python") else RuntimeForm.EXECUTABLE


def version_command(path: str) -> list[str]:
    """A command whose output names the version of the Blender at that path (see `read_version`)."""
    if form_of(path) is RuntimeForm.EXECUTABLE:
        return [path, "--version"]
    # without Blender's own exit, which is slow and has been seen to hang
    program = "import bpy, os; print('Blender', bpy.app.version_string, flush=True); os._exit(0)"
    return [path, "-I", "-B", "-c", program]


def format_runtimes(specs: Iterable[RuntimeSpec]) -> str:
    """The text that parse_runtimes reads back."""
    return ",".join(map(_format, specs))


def _format(spec: RuntimeSpec) -> str:
    if spec.wheel_python:
        return f"{spec.version}@{_encoded(spec.wheel_python)}"
    return f"{spec.version}={_encoded(spec.path)}" if spec.path else spec.version


def parse_runtimes(text: str) -> tuple[RuntimeSpec, ...]:
    """The runtimes that `text` names, each version once in each form. Raises RuntimesError."""
    specs: dict[tuple[str, RuntimeForm], RuntimeSpec] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        spec = _parse(part)
        if (spec.version, spec.form) in specs:
            raise RuntimesError(f"Blender {spec} is named twice: expected each version once in each form")
        specs[spec.version, spec.form] = spec
    if not specs:
        raise RuntimesError("no Blender is named: expected something like 4.5.15,5.2.3")
    return tuple(specs.values())


def _parse(part: str) -> RuntimeSpec:
    version, sign, path = (*re.split(r"\s*([=@])\s*", part, maxsplit=1), "", "")[:3]
    if not is_version(version):
        raise RuntimesError(f"{part[:200]!r} names no Blender: expected a version such as 4.5.15")
    if sign and not path.startswith("/"):
        raise RuntimesError(f"{part[:200]!r} has no path: expected version=/path or version@/path/of/python")
    if sign == "@":
        return RuntimeSpec(version=version, wheel_python=unquote(path))
    return RuntimeSpec(version=version, path=unquote(path))


def _encoded(path: str) -> str:
    return path.replace("%", "%25").replace(",", "%2C")
