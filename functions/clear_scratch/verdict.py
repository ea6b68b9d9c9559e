"""Whether a job's folder may go.

No clock can make a live job's folder go, and none that is behind or ahead makes another go before its time:
a moment that lies in the future is no age at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.job import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """What of a job's record decides."""

    state: JobState | None
    """None for a state that another version of the farm wrote: it may well be a live one."""
    updated_at: datetime | None
    """Of an ended job, when it ended; None for what is no moment."""
    published: bool = True
    """Whether there was ever a baked project."""

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> JobFacts:
        """Read a table item, whatever it holds."""
        state = str(item.get("state"))
        return cls(
            state=JobState(state) if state in set(JobState) else None,
            updated_at=_moment(item.get("updated_at")),
            published=bool(item.get("baked_folder")),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    clear: bool
    reason: str


def judge_job(job: JobFacts, *, now: datetime, ttl: timedelta) -> Verdict:
    """Whether the folder of a job that has a record may go. A retry may still want a failed job's bake."""
    if job.state is None:
        return Verdict(False, "its job is in a state that is not known here")
    if not job.state.ended:
        return Verdict(False, f"its job is {job.state}")
    if job.state is JobState.DONE:
        return Verdict(True, "its job is DONE")
    if job.state is JobState.FAILED and not job.published:
        return Verdict(True, "its job FAILED with nothing baked")
    if job.updated_at is None:
        return Verdict(False, f"its job is {job.state}, but since when cannot be read")
    age = now - job.updated_at
    return Verdict(age >= ttl, f"its job is {job.state} since {_hours(age)} of {_hours(ttl)}")


def judge_orphan(changed_at: datetime, *, now: datetime, ttl: timedelta) -> Verdict:
    """Whether a folder may go whose job has no record, by its newest change."""
    age = now - changed_at
    return Verdict(age >= ttl, f"it belongs to no job, unchanged for {_hours(age)} of {_hours(ttl)}")


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:.1f} h"
