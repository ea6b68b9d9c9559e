"""What is rendered in a run, what of it is to go wrong, and how each job is to end: drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from contract.failures import FailureKind
from contract.frames import parse_frames
from contract.job import JobState
from tests.faults.chaos.fake_blender import NO_CAMERA, OPENING
from tests.faults.chaos.orders import Order, write_orders

FRAME_TIMEOUT_SECONDS: Final = 3
MAX_ATTEMPTS: Final = 3
MAX_ORDERS_CHARACTERS: Final = 1000
"""The option takes 1,024."""

KINDS: Final[Mapping[str, FailureKind]] = {
    "crash": FailureKind.CRASHED,
    "orphan": FailureKind.CRASHED,
    "leave": FailureKind.CRASHED,
    "hang": FailureKind.OVER_TIME,
    "family": FailureKind.OVER_TIME,
    "absent": FailureKind.INVALID_OUTPUT,
    "half": FailureKind.INVALID_OUTPUT,
    "empty": FailureKind.INVALID_OUTPUT,
    "error": FailureKind.BLENDER_ERROR,
    "memory": FailureKind.OUT_OF_MEMORY,
}
"""What the farm has to call each misbehaviour. `slow` is none."""
_WEIGHTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(KINDS, 4),
    "hang": 2,
    "family": 2,  # both cost the whole time-out
    "slow": 4,
}
_MISBEHAVING_SHARE: Final = 0.09
_ALWAYS_SHARE, _TWICE_SHARE = 0.12, 0.1


class Fate(StrEnum):
    """What is to become of a job."""

    ORDINARY = "ordinary"
    NO_CAMERA = "no camera"
    """Refused by Blender: FAILED."""
    STOPS_EARLY = "stops early"
    """Every frame fails the same way."""
    CANCELED = "canceled"
    """Midway, by a person."""
    RETRIED = "retried"
    """Ends with failures, is mended and retried: DONE in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    name: str
    fate: Fate
    frames: str
    orders: Mapping[int, Order]

    @property
    def numbers(self) -> tuple[int, ...]:
        return parse_frames(self.frames)

    @property
    def metadata(self) -> dict[str, str]:
        """Options of the upload."""
        scene = NO_CAMERA if self.fate is Fate.NO_CAMERA else write_orders(dict(self.orders))
        options = {
            "frames": self.frames,
            "scene": scene,
            "max_attempts": str(MAX_ATTEMPTS),
            "frame_timeout_seconds": str(FRAME_TIMEOUT_SECONDS),
        }
        # only the job that is to stop has the farm's own idea of when
        return options | ({} if self.fate is Fate.STOPS_EARLY else {"stop_after_failed_frames": "0"})

    @property
    def failing(self) -> dict[int, FailureKind]:
        """Frames that cannot be rendered, and why; all of them when the job is retried count as done."""
        if self.fate is Fate.RETRIED:
            return {}
        return self.always_failing

    @property
    def always_failing(self) -> dict[int, FailureKind]:
        return {
            frame: KINDS[order.name]
            for frame, order in self.orders.items()
            if order.times is None and order.name in KINDS and frame != OPENING
        }

    @property
    def ends(self) -> frozenset[JobState]:
        """States of which one is right in the end."""
        if self.fate is Fate.CANCELED:
            return frozenset({JobState.CANCELED})
        if self.fate in (Fate.NO_CAMERA, Fate.STOPS_EARLY):
            return frozenset({JobState.FAILED})
        return frozenset({JobState.DONE_WITH_FAILURES if self.failing else JobState.DONE})


def draw(seed: int, *, jobs: int, frames: int, fates: tuple[Fate, ...]) -> list[PlannedJob]:
    """So many jobs with so many frames in all; each of `fates` once, the rest ordinary."""
    dice = random.Random(seed)
    fates = fates[: jobs - 1]
    special = {fate: min(40, frames // jobs) for fate in fates}
    ordinary = jobs - len(fates)
    sizes = [(frames - sum(special.values())) // ordinary] * ordinary
    sizes[0] += frames - sum(special.values()) - sum(sizes)
    kinds = [*((fate, special[fate]) for fate in fates), *((Fate.ORDINARY, size) for size in sizes)]
    dice.shuffle(kinds)
    return [_job(dice, number, fate, size) for number, (fate, size) in enumerate(kinds, start=1)]


def _job(dice: random.Random, number: int, fate: Fate, size: int) -> PlannedJob:
    first, step = dice.randrange(1, 900), dice.choice((1, 1, 2, 3))
    text = (
        f"{first}-{first + step * (size - 1)}" + (f"x{step}" if step > 1 else "") if size > 1 else f"{first}"
    )
    frames = parse_frames(text)
    if fate is Fate.STOPS_EARLY:
        name = dice.choice(("crash", "error", "memory"))
        orders = dict.fromkeys(frames, Order(name, None))
    elif fate is Fate.NO_CAMERA:
        orders = {}
    else:
        orders = dict(_short_enough(dict(_drawn_orders(dice, frames))))
    if fate is Fate.RETRIED:
        orders |= dict.fromkeys(frames[:2], Order("error", None))
    return PlannedJob(name=f"scene-{number:02d}", fate=fate, frames=text, orders=orders)


def _drawn_orders(dice: random.Random, frames: tuple[int, ...]) -> Iterator[tuple[int, Order]]:
    if dice.random() < 0.3:
        yield OPENING, Order("crash", 1)
    names, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    for frame in frames:
        if dice.random() < _MISBEHAVING_SHARE:
            (name,) = dice.choices(names, weights)
            draw = dice.random()
            always = draw < _ALWAYS_SHARE
            times = None if always else 2 if draw < _ALWAYS_SHARE + _TWICE_SHARE else 1
            yield frame, Order(name, times)


def _short_enough(orders: dict[int, Order]) -> dict[int, Order]:
    while len(write_orders(orders)) > MAX_ORDERS_CHARACTERS:
        orders.popitem()
    return orders
