"""Jobs as the dashboard's widget shows them, made of values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contract.job import Job, JobState, Progress, timestamp
from contract.job_buttons import buttons_of
from contract.job_view import JobView
from contract.worker_record import Doing, WorkerRecord
from functions.show_jobs.board import Board, FrameFailure, Picture, ShownJob
from functions.show_jobs.page import render
from functions.show_jobs.request import Request
from tests.support.jobs import a_job

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
FUNCTION: Final = "arn:aws:lambda:eu-central-1:123456789012:function:ActOnJob"
JPEG: Final = b"\xff\xd8\xff\xe0 a picture"


def ago(seconds: float) -> str:
    return timestamp(NOW - timedelta(seconds=seconds))


def a_worker(job: Job, name: str = "w1", seconds: float = 6.0) -> WorkerRecord:
    moment = int(NOW.timestamp())
    return WorkerRecord(
        worker_id=name,
        doing=Doing.RENDER,
        job_id=job.job_id,
        since=moment,
        seen_at=moment,
        recent_seconds=(seconds,),
    )


def shown(
    job: Job,
    progress: Progress | None = None,
    *workers: WorkerRecord,
    failures: tuple[FrameFailure, ...] = (),
    pictures: tuple[Picture, ...] = (),
) -> ShownJob:
    return ShownJob(
        view=JobView.of(job, progress or Progress(), workers),
        buttons=buttons_of(job),
        failures=failures,
        pictures=pictures,
    )


def a_rendering_job(**attributes: Any) -> ShownJob:
    """12 of 40 frames are done and one has failed, by two workers of 10 frames a minute each."""
    job = a_job(
        **{
            "job_id": "shot-0123456789ab",
            "name": "shot.blend",
            "state": JobState.RENDERING,
            "created_at": ago(300),
            "microdollars": 1_230_000,
            **attributes,
        }
    )
    return shown(
        job,
        Progress(total=40, done=12, failed=1, seconds=72),
        a_worker(job, "w1"),
        a_worker(job, "w2"),
        failures=(FrameFailure(frame=7, reason="out of memory"),),
        pictures=tuple(Picture(frame=frame, jpeg=JPEG) for frame in (12, 11, 10)),
    )


def html_of(*featured: ShownJob, rows: tuple[ShownJob, ...] = (), **look: Any) -> str:
    """`look` are the request's fields, and `budget_dollars` and `month_dollars`."""
    budget, month = look.pop("budget_dollars", None), look.pop("month_dollars", 0.0)
    board = Board(featured=featured, rows=rows, month_dollars=month)
    return render(board, Request(**look), function_arn=FUNCTION, now=NOW, budget_dollars=budget)
