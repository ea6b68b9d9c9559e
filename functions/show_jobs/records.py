"""The board, read from the job table and the bucket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final

from contract.job import FrameState, Job
from contract.job_buttons import buttons_of
from contract.job_view import JobView, seconds_between
from contract.record_reader import RecordReader
from contract.spend import month_of
from functions.show_jobs.board import Board, FrameFailure, Picture, ShownJob, featured_count, in_order
from functions.show_jobs.thumbnails import Thumbnails

UNDER_WAY: Final = 100
"""Jobs under way that are looked for, however many newer ones have ended."""
FEATURED_PICTURES: Final = 5
FAILURES: Final = 3
ROWS_IN_DETAIL: Final = 12
"""Rows that have a picture and the reason of a failed frame: of hundreds nobody looks at more."""
PICTURE_BYTES: Final = 1_500_000
"""Of all in one page: Lambda answers with 6 MB at most, and base64 takes a third more."""
THREADS: Final = 8
SETTLED_SECONDS: Final = 60
"""So long after a job's end nothing of it changes any more: what its last workers held is written."""
KEPT_DETAILS: Final = 500


@dataclass(frozen=True, slots=True)
class Details:
    failures: tuple[FrameFailure, ...] = ()
    pictures: tuple[Picture, ...] = ()
    complete: bool = True
    """False when a picture was asked for that did not come: the next look may find it."""


@dataclass(slots=True, kw_only=True)
class JobBoard:
    """Keeps what it read of jobs that ended, for the next look."""

    reader: RecordReader
    thumbnails: Thumbnails
    now: Callable[[], datetime]
    _kept: dict[tuple[str, str, int], Details] = field(default_factory=dict)

    def read(self, limit: int) -> Board:
        """The newest jobs, `limit` of them, and those under way. Raises what its clients raise."""
        found = {job.job_id: job for job in self.reader.unfinished_jobs(UNDER_WAY)}
        found.update((job.job_id, job) for job in self.reader.latest_jobs(limit))
        jobs = in_order(found.values())
        progress = self.reader.progress(jobs)
        workers = self.reader.workers(int(self.now().timestamp()))
        large = featured_count(jobs)
        details = self._all_details(jobs[: large + ROWS_IN_DETAIL], large)
        shown = [
            ShownJob(
                view=JobView.of(job, progress[job.job_id], workers),
                buttons=buttons_of(job),
                failures=details[n].failures if n < len(details) else (),
                pictures=details[n].pictures if n < len(details) else (),
            )
            for n, job in enumerate(jobs)
        ]
        shown = within(shown, PICTURE_BYTES)
        return Board(
            featured=tuple(shown[:large]),
            rows=tuple(shown[large:]),
            month_dollars=self.reader.spend(month_of(self.now())).dollars,
        )

    def _all_details(self, jobs: Sequence[Job], large: int) -> list[Details]:
        counts = [FEATURED_PICTURES if n < large else 1 for n in range(len(jobs))]
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(self._details, jobs, counts))

    def _details(self, job: Job, pictures: int) -> Details:
        key = (job.job_id, job.updated_at, pictures)
        kept = self._kept.get(key)
        if kept:
            return kept
        details = self._read_details(job, pictures)
        if details.complete and job.state.ended and self._age_seconds(job) > SETTLED_SECONDS:
            if len(self._kept) >= KEPT_DETAILS:
                self._kept.clear()
            self._kept[key] = details
        return details

    def _read_details(self, job: Job, pictures: int) -> Details:
        if not job.shards:  # it has no frames yet
            return Details()
        frames = self.reader.latest_frames(job, pictures)
        found = tuple(p for record in frames if (p := self.thumbnails.of(job, record)))
        return Details(
            failures=tuple(self._failures(job)), pictures=found, complete=len(found) == len(frames)
        )

    def _failures(self, job: Job) -> list[FrameFailure]:
        """Only shards that count a failed frame are read."""
        shards = self.reader.shards([job])[job.job_id]
        failing = [number for number, shard in enumerate(shards) if shard.failed]
        failed = (r for r in self.reader.frames(job.job_id, failing) if r.state is FrameState.FAILED)
        return [FrameFailure(frame=r.frame, reason=r.reason) for r in islice(failed, FAILURES)]

    def _age_seconds(self, job: Job) -> float:
        try:
            return seconds_between(job.updated_at, self.now().isoformat())
        except (ValueError, TypeError):
            return 0.0


def within(jobs: Sequence[ShownJob], picture_bytes: int) -> list[ShownJob]:
    """The jobs with as many of their pictures as fit into so many bytes, from the first on."""
    left, fitting = picture_bytes, []
    for job in jobs:
        pictures = []
        for picture in job.pictures:
            left -= len(picture.jpeg)
            if left < 0:
                break
            pictures.append(picture)
        fitting.append(replace(job, pictures=tuple(pictures)))
    return fitting
