"""Everything as JSON: the same run gives the same text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from farm.simulate.model import AwsBehaviour, Machines, Outcome
from farm.simulate.runs import Run, WorkloadRuns, WorkloadVariants
from farm.simulate.setup import Setup

_DIGITS = 4
"""Sums of floats differ from machine to machine in the last places."""


def document(
    *,
    setup: Setup,
    machines: Machines,
    behaviour: AwsBehaviour,
    seed: int,
    reports: Sequence[WorkloadRuns],
    variants: Sequence[WorkloadVariants],
) -> str:
    """One JSON object with sorted names; null stands for `never` and for what does not apply."""
    content = {
        "setup": asdict(setup),
        "machines": asdict(machines),
        "behaviour": asdict(behaviour),
        "seed": seed,
        "workloads": [_workload(report) for report in reports],
        "variants": [_variants(report) for report in variants],
    }
    return json.dumps(_plain(content), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _workload(report: WorkloadRuns) -> dict[str, Any]:
    return {
        "workload": asdict(report.workload),
        "bounds": asdict(report.bounds),
        "ours_is_best": report.ours_is_best,
        "policies": [
            {**_run(run), "cost_times_makespan_over_ours": report.relative_to_ours(run)}
            for run in report.runs
        ],
    }


def _run(run: Run) -> dict[str, Any]:
    outcome: Outcome = run.outcome
    return {
        "policy": outcome.policy,
        "measures": asdict(run.measures) | {"launches_over_needed": run.measures.launches_over_needed},
        "criteria": [asdict(criterion) | {"met": criterion.met} for criterion in run.criteria],
        "job_ends": outcome.job_ends,
        "machines": [asdict(life) for life in outcome.lives],
        "samples": [asdict(sample) for sample in outcome.samples],
    }


def _variants(report: WorkloadVariants) -> dict[str, Any]:
    return {
        "workload": report.workload,
        "runs": [
            {
                "behaviour": asdict(run.behaviour),
                "criteria": [asdict(criterion) | {"met": criterion.met} for criterion in run.criteria],
            }
            for run in report.runs
        ],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, _DIGITS) if isfinite(value) else None
    return value
