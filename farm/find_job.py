"""The job that a person means: by its id, by the beginning of it, or the latest."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from contract.job import Job
from contract.keys import JOB_ID
from contract.record_reader import RecordReader
from farm.plain_errors import PlainError

LATEST: Final = "latest"
LOOKED_THROUGH: Final = 500
"""Among so many of the newest jobs is the beginning of an id looked for; a whole id is always found."""
HEARD_SECONDS: Final = 20.0
"""A job that was just sent is on the farm's books so much later at most, or its listener is in trouble."""
LOOK_SECONDS: Final = 0.5
_LISTED: Final = 10
_WHOLE_ID: Final = re.compile(r"(?:.*-)?[0-9a-f]{12}")
"""As make_job_id makes them (contract.keys)."""


class WhichJobError(PlainError):
    """No job, or several; the message lists them."""


def find_job(records: RecordReader, asked: str, *, pause: Callable[[float], object] = time.sleep) -> Job:
    """The job that `asked` names; one by its whole id may just have been sent, and is waited for.

    Raises WhichJobError.
    """
    if asked == LATEST:
        newest = records.latest_jobs(1)
        if not newest:
            raise WhichJobError("there is no job yet: `farm submit FILE` makes one")
        return newest[0]
    if not asked or not JOB_ID.fullmatch(asked.rstrip("-")):
        raise WhichJobError(
            f"{asked[:80]!r} is no job id: expected one that `farm jobs` lists, "
            f"the beginning of one, or `{LATEST}`"
        )
    job = records.job(asked)
    if job:
        return job
    begun = [job for job in records.latest_jobs(LOOKED_THROUGH) if job.job_id.startswith(asked)]
    return _only(asked, begun or _just_sent(records, asked, pause))


def _just_sent(records: RecordReader, asked: str, pause: Callable[[float], object]) -> Sequence[Job]:
    if not _WHOLE_ID.fullmatch(asked):
        return ()
    from farm.screen import say, standard_error

    say(standard_error(), f"the farm has not heard of {asked} yet: waiting for it", "dim")
    for _ in range(round(HEARD_SECONDS / LOOK_SECONDS)):
        pause(LOOK_SECONDS)
        if job := records.job(asked):
            return (job,)
    return ()


def _only(asked: str, jobs: Sequence[Job]) -> Job:
    if not jobs:
        raise WhichJobError(f"there is no such job: {asked!r}. `farm jobs` lists them")
    if len(jobs) > 1:
        listed = "".join(f"\n  {job.job_id}  {job.created_at}  {job.state}" for job in jobs[:_LISTED])
        more = f"\n  and {len(jobs) - _LISTED} more" if len(jobs) > _LISTED else ""
        raise WhichJobError(f"{asked!r} is the beginning of several jobs' ids:{listed}{more}")
    return jobs[0]
