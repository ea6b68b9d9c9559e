"""How long a job's frames take, as far as it can be known, and the seconds of work that it has left.

Rather too short than too long: a machine too late costs a minute, one too many its boot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import Final

from contract.options import LONGEST_FRAME_SECONDS

SHORTEST_FRAME_SECONDS: Final = 0.01
FEWEST_RECENT: Final = 3
ODD_FACTOR: Final = 4.0
"""A running frame counts as so many times the mean of the timed ones at most."""
LIMIT_FACTOR: Final = 10
"""A frame may take so many times what is usual: a camera that flies through smoke is no hang."""
SHORTEST_LIMIT_SECONDS: Final = 300
"""A worker's first frame also loads textures and compiles shaders."""
DOUBT: Final = 2.0
"""Standard errors that are taken off the mean of recent frames: what is left is hardly too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFrames:
    """What has been seen of the frames of one job."""

    frames_left: int
    """Neither done nor given up; those that are being rendered count."""
    frames_timed: int = 0
    """Done, so that it is known how long they took."""
    timed_seconds: float = 0.0
    """How long these took together."""
    running_seconds: tuple[float, ...] = ()
    """How long each frame that is being rendered has been so."""
    recent_seconds: tuple[float, ...] = ()
    """How long each worker's last frames of this job took."""


def frame_seconds(job: JobFrames) -> float | None:
    """Seconds that a frame of this job takes; None while nothing has been seen of any.

    A frame that still runs takes at least what it has taken. The mean of a few done frames may be too
    long by chance, so the fewer they are the less is made of it.
    """
    timed, running = job.frames_timed, len(job.running_seconds)
    if not timed and not running:
        return None
    begun = list(_believed(job))
    at_least = (job.timed_seconds + sum(begun)) / (timed + max(1, running))
    if not timed:
        at_least = max(begun)  # those that were begun later have only had less time
    usual = max(at_least, job.timed_seconds / (timed + 1), _surely_recent(job.recent_seconds))
    return min(max(usual, SHORTEST_FRAME_SECONDS), LONGEST_FRAME_SECONDS)


def frame_limit_seconds(usual_seconds: float) -> float:
    """How long a frame may take of a job whose frames usually take so long, unless its owner said it."""
    return min(max(LIMIT_FACTOR * usual_seconds, SHORTEST_LIMIT_SECONDS), LONGEST_FRAME_SECONDS)


def _believed(job: JobFrames) -> Iterator[float]:
    """How long its running frames have taken; one that hangs among frames that were timed says little."""
    most = float(LONGEST_FRAME_SECONDS)
    if job.frames_timed >= FEWEST_RECENT:
        most = min(most, ODD_FACTOR * job.timed_seconds / job.frames_timed)
    return (min(seconds, most) for seconds in job.running_seconds)


def _surely_recent(seconds: tuple[float, ...]) -> float:
    """What frames take lately, less the doubt that their spread leaves: a camera may fly into smoke."""
    if len(seconds) < FEWEST_RECENT:
        return 0.0
    seconds = tuple(min(taken, LONGEST_FRAME_SECONDS) for taken in seconds)
    mean = fmean(seconds)
    # not statistics.stdev(), whose exact fractions take longer than all else that is measured
    deviation = sqrt(sum((taken - mean) ** 2 for taken in seconds) / (len(seconds) - 1))
    return mean - DOUBT * deviation / sqrt(len(seconds))


def left_seconds(job: JobFrames) -> float | None:
    """Seconds of one worker's work left in the job, 0 or more; None while nobody knows."""
    usual = frame_seconds(job)
    return None if usual is None else job.frames_left * usual
