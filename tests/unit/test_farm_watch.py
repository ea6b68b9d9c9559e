"""Watching a job over a network that breaks: the job goes on, and so does the watch while it makes sense."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState, Progress
from contract.worker_record import WorkerRecord
from farm.screen import PlainScreen
from farm.transfer.patience import GaveUpError
from farm.watch import GOES_ON, Watch
from tests.unit.test_farm_jobs import JOB

AWAY = EndpointConnectionError(endpoint_url="https://dynamodb.example")
EXPIRED = ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "GetItem")
DONE = replace(JOB, state=JobState.DONE, frame_count=1, shards=1)
LEFT = f"stopped watching scene-1: {GOES_ON.format(job='scene-1')}"


@dataclass
class BreakingRecords:
    """A job that renders, then is done; each look at it may break."""

    breaks: Iterator[Exception | None]
    """For each call in turn."""
    states: Iterator[JobState] = field(
        default_factory=lambda: iter((JobState.RENDERING, JobState.RENDERING, JobState.DONE))
    )

    def _break(self) -> None:
        error = next(self.breaks, None)
        if error:
            raise error

    def job(self, job_id: str) -> Job:
        self._break()
        return replace(DONE, state=next(self.states))

    def shards(self, jobs: list[Job]) -> dict[str, list[Progress]]:
        return {job.job_id: [Progress(total=1)] for job in jobs}

    def workers(self, now: int) -> list[WorkerRecord]:
        self._break()
        return []

    def frames(self, job_id: str, shards: list[int]) -> Iterator[FrameRecord]:
        self._break()
        if shards:
            yield FrameRecord(frame=1, state=FrameState.DONE)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Instead of sleeping."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


def watch(breaks: Sequence[Exception | None]) -> tuple[Watch, io.StringIO]:
    text = io.StringIO()
    records: Any = BreakingRecords(iter(breaks))
    console = Console(file=text, width=200)
    return Watch(
        records=records, job_id="scene-1", screen=PlainScreen(console), explain=lambda: "no machine"
    ), text


def test_a_break_of_some_seconds_is_said_once_and_nothing_is_lost(slept: list[float]) -> None:
    """It breaks at every one of the three looks, and once more after it was well again."""
    breaks = [AWAY, AWAY, None, AWAY, AWAY, None, AWAY, None, None, AWAY, None]
    watching, text = watch(breaks)
    taken: list[int] = []
    watching.take = lambda job, record: taken.append(record.frame)
    assert watching.run().state is JobState.DONE
    assert taken == [1]
    assert text.getvalue().count("the farm does not answer, trying again") == 2
    assert "stopped watching" not in text.getvalue()


def test_who_gives_up_after_some_minutes_is_told_that_the_job_goes_on(slept: list[float]) -> None:
    watching, text = watch([AWAY] * 100)
    with pytest.raises(GaveUpError, match=r"a look at scene-1 .*dynamodb\.example"):
        watching.run()
    assert 120 < sum(slept) < 600
    assert text.getvalue().splitlines() == ["the farm does not answer, trying again", LEFT]


def test_credentials_that_expire_leave_the_job_running(slept: list[float]) -> None:
    watching, text = watch([None, None, None, EXPIRED])
    with pytest.raises(ClientError, match="expired"):
        watching.run()
    assert text.getvalue().splitlines()[-1] == LEFT
    assert "does not answer" not in text.getvalue()
