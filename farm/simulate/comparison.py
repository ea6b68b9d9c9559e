"""One call of `farm simulate`: what was asked for is chosen, run and shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from farm.simulate.model import AwsBehaviour, Machines, Workload
from farm.simulate.policies import Policy, policies
from farm.simulate.report.document import document
from farm.simulate.report.table import suite_table, summary, variants_table
from farm.simulate.runs import WorkloadRuns, WorkloadVariants, Yardstick, under_variants
from farm.simulate.setup import Setup
from farm.simulate.variants import every_variant
from farm.simulate.workloads import day_of_jobs, suite

_STANDARD_OUTPUT: Final = Path("-")
_TABLE_WIDTH: Final = 200
"""Where no terminal says how wide it is."""


class RequestError(ValueError):
    """Something was asked for that is not there; the message says what is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    setup: Setup
    workloads: tuple[str, ...]
    """Names; empty: all of the suite."""
    policies: tuple[str, ...]
    """Names, beside ours; empty: all."""
    seed: int
    start_seconds: float | None
    """What a machine really takes; None: as the simulator has it."""
    jobs: int | None
    variants: bool
    plot_folder: Path | None
    plot_format: str
    json_file: Path | None


def compare(request: Request) -> bool:
    """Print, draw and write it. Whether ours met its criteria. Raises RequestError, OSError."""
    machines = _machines(request.start_seconds)
    workloads, chosen = _workloads(request), _policies(request)
    latency = request.setup.limits.acceptable_latency_seconds
    _check_places(request)
    console = Console(highlight=False, stderr=request.json_file == _STANDARD_OUTPUT)
    if not console.is_terminal:
        console.width = _TABLE_WIDTH
    behaviour = AwsBehaviour()
    reports: list[WorkloadRuns] = []
    varied: list[WorkloadVariants] = []
    for workload in workloads:
        yardstick = Yardstick(workload, machines, latency_seconds=latency)
        reports.append(yardstick.side_by_side(chosen, behaviour, request.seed))
        if request.variants:
            varied.append(under_variants(yardstick, chosen[0], every_variant(), request.seed))
    console.print(suite_table(reports))
    console.print(summary(reports), markup=False)
    if varied:
        console.print(variants_table(varied))
    _draw(request, reports)
    if request.json_file is not None:
        text = document(
            setup=request.setup,
            machines=machines,
            behaviour=behaviour,
            seed=request.seed,
            reports=reports,
            variants=varied,
        )
        _write(request.json_file, text)
    return not any(report.runs[0].missed for report in reports) and not any(one.misses for one in varied)


def _check_places(request: Request) -> None:
    """Found out before the work, not after it."""
    folder, file = request.plot_folder, request.json_file
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RequestError(f"--plot {folder}: {error.strerror}; expected a folder") from error
    if file is not None and file != _STANDARD_OUTPUT:
        try:
            file.open("a").close()
        except OSError as error:
            raise RequestError(
                f"--json-file {file}: {error.strerror}; expected a file that can be written"
            ) from error


def _machines(start_seconds: float | None) -> Machines:
    usual = Machines()
    if start_seconds is None:
        return usual
    if not usual.pending_seconds <= start_seconds <= 3600:
        raise RequestError(
            f"--start-seconds {start_seconds:g}: expected {usual.pending_seconds:g} to 3600, "
            f"of which EC2 takes {usual.pending_seconds:g} to launch the machine"
        )
    return Machines(boot_seconds=start_seconds - usual.pending_seconds)


def _workloads(request: Request) -> tuple[Workload, ...]:
    most = request.setup.limits.max_workers
    known = {workload.name: workload for workload in suite(request.seed, max_workers=most)}
    day = () if request.jobs is None else (day_of_jobs(request.jobs, request.seed, max_workers=most),)
    names = request.workloads if request.workloads or day else tuple(known)
    return tuple(known[_known("--workload", name, known)] for name in names) + day


def _policies(request: Request) -> tuple[Policy, ...]:
    """Those that were asked for, and always ours, since the others are compared with it."""
    ours, *others = policies(request.setup.limits, request.setup.idle_seconds)
    names = [policy.name for policy in (ours, *others)]
    wanted = {_known("--policy", name, names) for name in request.policies} or set(names)
    return (ours, *(policy for policy in others if policy.name in wanted))


def _known(option: str, name: str, known: Sequence[str] | dict[str, Workload]) -> str:
    for one in known:
        if one.casefold() == name.strip().casefold():
            return one
    raise RequestError(f"{option} {name[:200]!r} is not known: expected one of {', '.join(map(repr, known))}")


def _draw(request: Request, reports: Sequence[WorkloadRuns]) -> None:
    if request.plot_folder is None:
        return
    from farm.simulate.report.plot import draw, file_name

    for report in reports:
        draw(report, request.plot_folder / file_name(report.workload.name, request.plot_format))


def _write(file: Path, text: str) -> None:
    if file == _STANDARD_OUTPUT:
        sys.stdout.write(text)
    else:
        file.write_text(text, "utf-8")
