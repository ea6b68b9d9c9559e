"""Policies side by side on workloads, and one policy on every variant of what AWS may do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from farm.simulate.bounds import Bounds, Clairvoyant, bounds
from farm.simulate.criteria import Criterion, criteria
from farm.simulate.engine import simulate
from farm.simulate.measures import Measures, measure
from farm.simulate.model import AwsBehaviour, Machines, Outcome, Workload
from farm.simulate.policies import Policy
from farm.simulate.variants import decides

_PATIENCE_SECONDS = 6 * 3600
"""After one machine would have done everything: what is not done by then never is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    outcome: Outcome
    measures: Measures
    criteria: tuple[Criterion, ...]

    @property
    def missed(self) -> tuple[Criterion, ...]:
        return tuple(criterion for criterion in self.criteria if not criterion.met)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadRuns:
    """Each policy's run of one workload, ours first."""

    workload: Workload
    bounds: Bounds
    runs: tuple[Run, ...]

    def relative_to_ours(self, run: Run) -> float | None:
        """Cost × makespan, ÷ ours: below 1 is better than ours."""
        ours, its = self.runs[0].measures.cost_times_makespan, run.measures.cost_times_makespan
        return None if ours is None or its is None else its / ours

    @property
    def ours_is_best(self) -> bool:
        """Better than every other policy on cost × makespan; one that never ends is beaten."""
        if self.runs[0].measures.cost_times_makespan is None:
            return False
        others = (self.relative_to_ours(run) for run in self.runs[1:])
        return all(ratio is None or ratio > 1 for ratio in others)


class Yardstick:
    """A workload with what its runs are measured against."""

    def __init__(self, workload: Workload, machines: Machines, *, latency_seconds: float) -> None:
        self.workload = workload
        self.bounds = bounds(workload, machines)
        self._machines = machines
        self._latency_seconds = latency_seconds
        self._clairvoyant = Clairvoyant(workload, machines)
        work = sum(job.work_seconds for job in workload.jobs)
        self._limit_seconds = max(job.arrives for job in workload.jobs) + work + _PATIENCE_SECONDS

    def run(self, policy: Policy, behaviour: AwsBehaviour, seed: int) -> Run:
        outcome = simulate(
            self.workload,
            policy,
            behaviour=behaviour,
            machines=self._machines,
            seed=seed,
            limit_seconds=self._limit_seconds,
        )
        measures = measure(outcome, self.bounds, self._clairvoyant)
        return Run(
            outcome=outcome,
            measures=measures,
            criteria=criteria(outcome, measures, latency_seconds=self._latency_seconds),
        )

    def criteria_under(self, behaviour: AwsBehaviour, run: Run) -> tuple[Criterion, ...]:
        """Of the same course of events under another variant, which may have other limits."""
        outcome = replace(run.outcome, behaviour=behaviour)
        return criteria(outcome, run.measures, latency_seconds=self._latency_seconds)

    def side_by_side(self, policies: Iterable[Policy], behaviour: AwsBehaviour, seed: int) -> WorkloadRuns:
        runs = tuple(self.run(policy, behaviour, seed) for policy in policies)
        return WorkloadRuns(workload=self.workload, bounds=self.bounds, runs=runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRun:
    """A run under one variant, without its course: there are thousands of them."""

    behaviour: AwsBehaviour
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadVariants:
    workload: str
    runs: tuple[VariantRun, ...]

    @property
    def worst(self) -> tuple[Criterion, ...]:
        """Of each criterion the value that comes nearest to missing it, or misses it most."""
        worst: dict[str, Criterion] = {}
        for criterion in (criterion for run in self.runs for criterion in run.criteria):
            known = worst.setdefault(criterion.name, criterion)
            if criterion.value - criterion.at_most > known.value - known.at_most:
                worst[criterion.name] = criterion
        return tuple(worst.values())

    @property
    def misses(self) -> Counter[str]:
        """How many variants miss each criterion."""
        return Counter(one.name for run in self.runs for one in run.criteria if not one.met)

    def first_miss(self, name: str) -> AwsBehaviour | None:
        """The first variant that misses the criterion of that name."""
        missing = (
            run.behaviour for run in self.runs if any(c.name == name and not c.met for c in run.criteria)
        )
        return next(missing, None)


def under_variants(
    yardstick: Yardstick, policy: Policy, variants: Sequence[AwsBehaviour], seed: int
) -> WorkloadVariants:
    return WorkloadVariants(
        workload=yardstick.workload.name, runs=tuple(_variant_runs(yardstick, policy, variants, seed))
    )


def _variant_runs(
    yardstick: Yardstick, policy: Policy, variants: Sequence[AwsBehaviour], seed: int
) -> Iterator[VariantRun]:
    known: list[Run] = []
    for behaviour in variants:
        run = next((run for run in known if decides(run.outcome, behaviour)), None)
        if run is None:
            run = yardstick.run(policy, behaviour, seed)
            known.append(run)
        yield VariantRun(behaviour=behaviour, criteria=yardstick.criteria_under(behaviour, run))
