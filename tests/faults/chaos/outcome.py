"""What was asked of a run, and what it came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.faults.chaos.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    frames: int
    jobs: int
    agents: int
    seed: int
    faults: bool = True
    """Whether the adversary is about; the fake Blender misbehaves in any case."""
    limit_seconds: float = 540.0
    """How long the jobs may take to end."""


@dataclass(kw_only=True)
class Outcome:
    settings: Settings
    seconds: dict[str, float]
    faults: Counter[str]
    misbehaved: Counter[str]
    verdict: Verdict
    unended: int
    agents_started: int
    agents_died: list[str]
    agents_stubborn: list[str]
    hooks_completed: int
    hooks_refused: int
    """Completions of a lifecycle hook that nobody waited for: a second one, say."""
    messages: Mapping[str, int]
    processes: int
    scratch_kept: int
    """Folders that the janitor found, all past their time."""
    scratch: list[str]
    swept: list[str]
    """Jobs whose tasks the sweep sent again, and the like: a task is lost only when a message is."""
    processor_seconds: Mapping[str, float]
    """Of the harness with its proxy, of the agents with their Blenders, of the emulator with its Lambdas."""
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems = list(self.verdict.problems)
        for what, count in {
            "jobs that have not ended": self.unended,
            f"agents that would not go: {', '.join(self.agents_stubborn)}": len(self.agents_stubborn),
            f"times that the sweep had to help: {', '.join(sorted(set(self.swept)))}": len(self.swept),
            "lifecycle hooks completed twice": self.hooks_refused,
            "messages left": sum(self.messages.values()),
            "processes left": self.processes,
            "scratch folders left": len(self.scratch),
            f"agents that died by themselves: {', '.join(self.agents_died)}": len(self.agents_died),
        }.items():
            if count:
                self.problems.append(f"{count} {what}")
