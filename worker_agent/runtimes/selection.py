"""Which of the farm's Blenders renders a file: a pure choice, with a reason when there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.blender_releases import numbers
from contract.runtimes import RuntimeForm, RuntimeSpec
from worker_agent.blender import SceneRejected
from worker_agent.blender.file_facts import read_facts
from worker_agent.blender.file_header import BlenderVersion, read_file_version

_HOW_TO_ADD = "(variable blender_versions; on a laptop FARM_BLENDER=/path/to/blender)"
_MAX_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FileNeeds:
    """What a .blend asks of the Blender that opens it."""

    name: str
    series: BlenderVersion
    """The series that saved it."""
    fluid_domains: tuple[str, ...] = ()
    """Objects that only an executable may open."""


def read_needs(blend: Path) -> FileNeeds:
    """Read them from the file itself. Raises SceneRejected when it is no .blend."""
    return FileNeeds(
        name=blend.name, series=read_file_version(blend), fluid_domains=read_facts(blend).fluid_domains
    )


def choose_runtime(needs: FileNeeds, wanted: str | None, offered: Sequence[RuntimeSpec]) -> RuntimeSpec:
    """The series that saved the file, or the nearest newer one; of a series its newest Blender.

    `wanted` (a series or an exact version) overrides. A file with a fluid domain gets an executable.
    Raises SceneRejected.
    """
    able = [spec for spec in offered if _series(spec) >= needs.series]
    if wanted is None:
        if not able:
            raise _too_old(needs, offered)
    else:
        if _series_of(wanted) < needs.series:
            raise _older_than_the_file(needs, wanted)
        able = [spec for spec in able if f"{spec.version}.".startswith(f"{wanted}.")]
        if not able:
            raise _not_there(wanted, offered)
    fit = [spec for spec in able if not needs.fluid_domains or spec.form is RuntimeForm.EXECUTABLE]
    if not fit:
        raise _only_wheels(needs, able, offered)
    nearest = min(_series(spec) for spec in fit)
    return newest(spec for spec in fit if _series(spec) == nearest)


def newest(specs: Iterable[RuntimeSpec]) -> RuntimeSpec:
    """Of two of the same version the executable, which can do more. Raises ValueError when there are none."""
    return max(specs, key=lambda spec: (numbers(spec.version), spec.form is RuntimeForm.EXECUTABLE))


def _series(spec: RuntimeSpec) -> BlenderVersion:
    return _series_of(spec.version)


def _series_of(version: str) -> BlenderVersion:
    major, minor, *_ = numbers(version)
    return BlenderVersion(major, minor)


def _too_old(needs: FileNeeds, offered: Sequence[RuntimeSpec]) -> SceneRejected:
    newest = max(offered, key=lambda spec: numbers(spec.version))
    return SceneRejected(
        f"{needs.name} was saved by Blender {needs.series}, and the newest Blender of this farm is "
        f"{newest.version}, which would lose what it does not know. Give the farm Blender {needs.series} "
        f"or newer {_HOW_TO_ADD}, or save the file with Blender {_series(newest)}.",
        "file_too_new",
    )


def _older_than_the_file(needs: FileNeeds, wanted: str) -> SceneRejected:
    return SceneRejected(
        f"blender_version is {wanted}, and {needs.name} was saved by Blender {needs.series}: an older one "
        f"would lose what it does not know. Ask for {needs.series} or newer, or leave blender_version out.",
        "file_too_new",
    )


def _not_there(wanted: str, offered: Sequence[RuntimeSpec]) -> SceneRejected:
    return SceneRejected(
        f"blender_version is {wanted}, which this farm has not: it has {_listed(offered)}. Ask for one of "
        f"these, or give the farm Blender {wanted} {_HOW_TO_ADD}.",
        "no_such_blender",
    )


def _only_wheels(
    needs: FileNeeds, able: Sequence[RuntimeSpec], offered: Sequence[RuntimeSpec]
) -> SceneRejected:
    named = ", ".join(f'"{name}"' for name in needs.fluid_domains[:_MAX_LISTED])
    more = ", …" * (len(needs.fluid_domains) > _MAX_LISTED)
    others = [s for s in offered if s.form is RuntimeForm.EXECUTABLE and _series(s) >= needs.series]
    remedy = f"Give the farm a Blender executable of {needs.series} or newer {_HOW_TO_ADD}."
    if others:
        remedy = f"Ask for blender_version {_listed(others)}, which is an executable here, or for none."
    return SceneRejected(
        f"{needs.name} has a Mantaflow fluid domain ({named}{more}). Blender {_listed(able)} is a Python "
        f"module on this farm, and as that it cannot render fluids, baked or not. {remedy}",
        "unsupported_simulation",
    )


def _listed(specs: Sequence[RuntimeSpec]) -> str:
    return ", ".join(sorted({spec.version for spec in specs}, key=numbers))
