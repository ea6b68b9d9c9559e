"""What `bench.sessions` has to show, and whether it did: a line for each bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.render.figures import Spread
from bench.verdict import at_least, not_measured, verdict
from contract.archives import size_in_words
from worker_agent.seats.job_sessions import WORTH, RenderedTurn

MOST_OTHERS: Final = 0.25
"""Processors that others may use meanwhile: beside more, one session is right, and paces say nothing."""
LEAST_GAIN: Final = 1 + WORTH
"""Of two sessions by one: with less the agent itself would take the second away."""
LEAST_PACE: Final = 0.95
"""Of a session that is opened anew as it grows, by one that is left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a worker that may choose has made of a scene."""

    scene: str
    processors: int
    """Of the machine."""
    alone: Sequence[RenderedTurn]
    """Those that it rendered with one session."""
    count: int
    """Of the sessions that it has at the end."""
    fills: bool
    """Whether one session of this scene is to fill all processors."""

    @property
    def words(self) -> str:
        used = Spread.of([turn.cores_used for turn in self.alone])
        idle = Spread.of([turn.cores_idle for turn in self.alone])
        return f"{self.scene}: one session uses {used.words()} processors and leaves {idle.words()} idle"

    @property
    def line(self) -> str:
        what = f"{self.scene}: sessions that a worker chooses"
        if (others := used_by_others(self.alone, self.processors)) > MOST_OTHERS:
            why = f"others use {others:.2f} of {self.processors} processors ({self.count} chosen)"
            return not_measured(what, why)
        if self.fills:
            return verdict(what, self.count, 1, form="{:.0f}", inclusive=True)
        return at_least(what, self.count, 2, form="{:.0f}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """A scene that keeps memory, rendered in one of the two ways."""

    opened_anew: bool
    frames: int
    """Of all pairs."""
    pair_seconds: Sequence[float]
    blenders: int
    """That rendered it, one after another."""
    most_bytes: int
    """That one of them had."""

    @property
    def words(self) -> str:
        return (
            f"more memory with each frame, {'opened anew as it grows' if self.opened_anew else 'left open'}: "
            f"{3600 * self.frames / (sum(self.pair_seconds) or 1):.0f} frames an hour, "
            f"Blenders: {self.blenders}, "
            f"memory: {size_in_words(self.most_bytes)} at most"
        )


def used_by_others(alone: Sequence[RenderedTurn], processors: int) -> float:
    """Processors, on the average of a turn, beside one session."""
    return processors - median(turn.cores_used + turn.cores_idle for turn in alone)


def gain_line(ratios: Sequence[float]) -> str:
    """`ratios`: frames of two sessions by those of one, a round each."""
    what = f"one thread: frames of two sessions ÷ of one, {Spread.of(ratios).words()}"
    return at_least(what, Spread.of(ratios).median, LEAST_GAIN, form="{:.2f}")


def pictures_line(compared: int, wrong: int) -> str:
    """`wrong`: frames whose pictures differ by more than Blender's own noise."""
    what = f"one thread: {compared} frames of two sessions beside one's, those that differ"
    return verdict(what, wrong, 0, form="{:.0f}", inclusive=True)


def growing_lines(opened_anew: Growing, left_open: Growing) -> list[str]:
    """The pace and the memory of a session that grows, beside those of one that is let grow."""
    paces = [left / anew for anew, left in zip(opened_anew.pair_seconds, left_open.pair_seconds, strict=True)]
    memory = opened_anew.most_bytes / left_open.most_bytes
    what = "opened anew ÷ left open, frames an hour"
    return [
        at_least(
            "opened anew as it grows: Blenders one after another", opened_anew.blenders, 2, form="{:.0f}"
        ),
        at_least(
            f"{what}, {Spread.of(paces).words('.3f')} of {len(paces)} pairs",
            median(paces),
            LEAST_PACE,
            form="{:.3f}",
        )
        if paces
        else not_measured(what, "it was never opened anew"),
        verdict("opened anew ÷ left open, memory at most", memory, 1, form="{:.2f}"),
    ]
