"""The Blenders of the laptop farm: those that FARM_BLENDER names, or what this environment can have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from contract.blender_releases import RELEASES, Release, numbers, read_version, series_of
from contract.runtimes import RuntimeForm, RuntimeSpec, form_of, version_command
from farm.local.pythons import find_python
from farm.plain_errors import PlainError

ASK_SECONDS = 120


class NoBlenderError(PlainError):
    """What was named is no Blender, or there is none; the message says which and what was expected."""


def runtimes(paths: Sequence[str], env: Mapping[str, str]) -> tuple[RuntimeSpec, ...]:
    """What the agents are told: the Blenders at these paths, each asked for its version; for no path this
    Python's own, and a newer one that another Python here can have. Raises NoBlenderError.
    """
    if not paths:
        return _own(env)
    found: dict[tuple[str, RuntimeForm], RuntimeSpec] = {}
    for path in paths:
        spec = ask(path)
        found.setdefault((spec.version, spec.form), spec)
    return tuple(found.values())


def ask(path: str) -> RuntimeSpec:
    """The Blender at a path, in its own words. Raises NoBlenderError."""
    kind = "a Python that has bpy" if form_of(path) is RuntimeForm.MODULE else "a Blender executable"
    try:
        done = subprocess.run(
            version_command(path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ASK_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else f"it said nothing for {ASK_SECONDS} s"
        raise NoBlenderError(f"FARM_BLENDER names {path}: expected {kind} ({why})") from error
    found = read_version(done.stdout)
    if found is None:
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1][:200]
        raise NoBlenderError(f"FARM_BLENDER names {path}: expected {kind}, and it said: {said}")
    return RuntimeSpec(version=found, path=path)


def _own(env: Mapping[str, str]) -> tuple[RuntimeSpec, ...]:
    try:
        own = version("bpy")
    except PackageNotFoundError:
        raise NoBlenderError(
            f"{sys.executable} has no bpy: run `make .venv`, or name a Blender with FARM_BLENDER"
        ) from None
    newer = (release for release in reversed(RELEASES) if numbers(release.version) > numbers(own))
    found = (_by_another_python(release, own, env) for release in newer)
    return (RuntimeSpec(version=own, path=sys.executable), *[spec for spec in found if spec][:1])


def _by_another_python(release: Release, own: str, env: Mapping[str, str]) -> RuntimeSpec | None:
    here = "{}.{}".format(*sys.version_info)
    if release.wheel_python in ("", here) or series_of(release.version) == series_of(own):
        return None
    python = find_python(release.wheel_python, env)
    return RuntimeSpec(version=release.version, wheel_python=str(python)) if python else None
