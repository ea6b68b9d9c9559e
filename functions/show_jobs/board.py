"""What the widget shows, as values: it is made of them alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from contract.job import Job, JobState
from contract.job_requests import JobRequest
from contract.job_view import JobView

FEATURED: Final = 8
"""Jobs shown large, at most; the running ones first."""
FEATURED_AT_LEAST: Final = 4
"""Where fewer are under way, the latest that ended are shown large as well."""

_ORDER: Final = (*(JobState.RENDERING, JobState.FINISHING, JobState.BAKING, JobState.QUEUED, JobState.HELD),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    frame: int
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFailure:
    frame: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownJob:
    view: JobView
    buttons: tuple[JobRequest, ...] = ()
    failures: tuple[FrameFailure, ...] = ()
    """The first few."""
    pictures: tuple[Picture, ...] = ()
    """Of the frames that were done last, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    featured: tuple[ShownJob, ...] = ()
    rows: tuple[ShownJob, ...] = ()
    month_dollars: float = 0.0
    """What the farm's machines cost this month, by its own count."""

    @property
    def jobs(self) -> tuple[ShownJob, ...]:
        return self.featured + self.rows


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """Those under way first, the furthest of them on top; then those that ended, the latest first."""
    latest = sorted(jobs, key=lambda job: job.created_at, reverse=True)
    ended = sorted(
        (job for job in latest if job.state.ended), key=lambda j: j.updated_at or j.created_at, reverse=True
    )
    under_way = sorted(
        (job for job in latest if not job.state.ended), key=lambda job: _ORDER.index(job.state)
    )
    return under_way + ended


def featured_count(jobs: Sequence[Job]) -> int:
    """How many of jobs in order are shown large."""
    under_way = sum(not job.state.ended for job in jobs)
    return min(FEATURED, max(under_way, FEATURED_AT_LEAST), len(jobs))
