"""The tables of `farm simulate`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from farm.simulate.model import AwsBehaviour
from farm.simulate.report.figures import dollars, duration, plain, ratio
from farm.simulate.runs import Run, WorkloadRuns, WorkloadVariants

_COLUMNS = (
    "most\nmachines",
    "launches\n÷ needed",
    "cost",
    "÷\nbound",
    "÷ clair-\nvoyant",
    "make-\nspan",
    "÷\nbound",
    "cost × span\n÷ ours",
    "busy\nended",
    "lost",
    "idle",
    "to\nzero",
    "too few/\nmany",
)
_SHORT = {
    "overshoot": "overshoot",
    "momentary overshoot": "early",
    "busy machines ended": "busy ended",
    "jobs never ended": "never ends",
    "seconds to zero": "to zero",
    "makespan": "makespan",
    "cost ÷ clairvoyant": "cost",
}
"""What was missed, in a word; a momentary overshoot starts machines too early."""


def suite_table(reports: Sequence[WorkloadRuns]) -> Table:
    """Each workload, and under it each policy."""
    table = Table(title="Policies side by side (makespan: mean of the jobs; a bound has the ratio 1)")
    table.add_column("workload\n  policy", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("criteria", no_wrap=True)
    for report in reports:
        needed = report.runs[0].measures.most_needed
        table.add_row(report.workload.name, f"{needed} needed", style="bold")
        for run in report.runs:
            table.add_row(*_row(report, run))
        table.add_section()
    return table


def _row(report: WorkloadRuns, run: Run) -> tuple[str, ...]:
    its = run.measures
    return (
        f"  {run.outcome.policy}",
        str(its.most_desired),
        ratio(its.launches_over_needed),
        dollars(its.cost_dollars),
        ratio(its.cost_over_bound),
        ratio(its.cost_over_clairvoyant),
        duration(its.makespan_seconds),
        ratio(its.makespan_over_bound),
        ratio(report.relative_to_ours(run)),
        str(its.busy_machines_ended),
        duration(its.lost_seconds),
        duration(its.idle_seconds),
        duration(its.seconds_to_zero),
        f"{its.elasticity.too_few:.1f}/{its.elasticity.too_many:.1f}",
        f"✗ {', '.join(_SHORT[criterion.name] for criterion in run.missed)}" if run.missed else "✓",
    )


def summary(reports: Sequence[WorkloadRuns]) -> str:
    """In how many workloads ours is the best, and where it is not, which is and by how much."""
    beaten = [report for report in reports if not report.ours_is_best]
    best = len(reports) - len(beaten)
    lines = [f"ours is best on cost × makespan in {best} of {len(reports)} workloads"]
    return "\n".join([*lines, *(f"  not in {report.workload.name}: {_better(report)}" for report in beaten)])


def _better(report: WorkloadRuns) -> str:
    ratios = [(report.relative_to_ours(run), run.outcome.policy) for run in report.runs[1:]]
    found = sorted((ratio, policy) for ratio, policy in ratios if ratio is not None and ratio <= 1)
    return ", ".join(f"{policy} has {ratio:.2f} of ours" for ratio, policy in found) or "ours never ended"


def variants_table(reports: Sequence[WorkloadVariants]) -> Table:
    """Each workload's criteria under every variant, with the worst value found."""
    table = Table(title="Ours, whatever AWS does (worst value found)")
    table.add_column("workload", no_wrap=True)
    table.add_column("criterion", no_wrap=True)
    for column in ("worst", "at most", "missed by"):
        table.add_column(column, justify="right")
    table.add_column("first variant that misses it")
    for report in reports:
        misses = report.misses
        for index, criterion in enumerate(report.worst):
            missed = misses[criterion.name]
            variant = report.first_miss(criterion.name)
            table.add_row(
                report.workload if index == 0 else "",
                criterion.name,
                plain(criterion.value),
                plain(criterion.at_most),
                f"{missed} of {len(report.runs)}" if missed else "none",
                describe(variant) if variant else "",
                style="red" if missed else "",
            )
        table.add_section()
    return table


def describe(behaviour: AwsBehaviour) -> str:
    """A variant in one line."""
    return (
        f"base {behaviour.base}; at zero {behaviour.at_zero}; high {behaviour.high_periods}, "
        f"low {behaviour.low_periods} periods below {behaviour.low_threshold}; "
        f"warm-up {'blocks' if behaviour.warmup_blocks_scale_in else 'does not block'} scale-in; "
        f"alarm {behaviour.alarm_phase_seconds:.0f} s late"
    )
