"""What a run came to, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.faults.chaos.outcome import Outcome

MAX_PROBLEMS = 40


def lines(outcome: Outcome) -> Iterator[str]:
    settings, verdict, seconds = outcome.settings, outcome.verdict, outcome.seconds
    yield f"seed {settings.seed}: {settings.frames} frames in {settings.jobs} jobs, {settings.agents} agents"
    yield f"faults          {_listed(outcome.faults)}"
    yield f"misbehaved      {_listed(outcome.misbehaved)}"
    yield f"failed attempts {_listed(verdict.attempts_failed)}"
    yield f"jobs            {_listed(verdict.jobs)}, {outcome.unended} not ended"
    yield (
        f"frames          {verdict.done} done, {verdict.failed_as_planned} failed as planned, "
        f"{verdict.not_asked} of jobs that were to end before, "
        f"{verdict.lost} lost, {verdict.wrong} wrong, {verdict.rendered_again} rendered again, "
        f"{verdict.interruptions} interruptions recorded"
    )
    yield (
        f"agents          {outcome.agents_started} started, {len(outcome.agents_died)} died by themselves, "
        f"{len(outcome.agents_stubborn)} would not go, {outcome.hooks_completed} lifecycle hooks completed, "
        f"the sweep helped {len(outcome.swept)} times"
    )
    yield (
        f"left            {sum(outcome.messages.values())} messages, {outcome.processes} processes, "
        f"{len(outcome.scratch)} scratch folders ({outcome.scratch_kept} before the janitor)"
    )
    yield f"seconds         {', '.join(f'{name} {value:.0f}' for name, value in seconds.items())}"
    used = ", ".join(f"{name} {value:.0f}" for name, value in outcome.processor_seconds.items())
    yield f"processor       {used} s"
    yield f"frames a second {(verdict.done + verdict.failed_as_planned) / seconds['rendering']:.1f}"
    yield from (f"  {problem}" for problem in outcome.problems[:MAX_PROBLEMS])
    if len(outcome.problems) > MAX_PROBLEMS:
        yield f"  and {len(outcome.problems) - MAX_PROBLEMS} more"
    yield "NOTHING LOST" if not outcome.problems else f"{len(outcome.problems)} PROBLEMS"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"
