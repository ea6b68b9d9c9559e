"""A frame's time limit comes from what the job's other frames took."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from contract.frame_time import SHORTEST_LIMIT_SECONDS
from contract.job import Job, JobState
from contract.options import LONGEST_FRAME_SECONDS
from tests.support.aws_edges import aws_edges
from tests.support.jobs import a_job
from worker_agent.frames.frame_times import KEPT_SECONDS, FrameTimes
from worker_agent.stores.frame_store import DoneFrame, FrameStore


class Recorded:
    """Stands in for the frames' records, to count the looks at them."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.looks = 0

    def sample_seconds(self, job: Job, shard: int, limit: int) -> list[float]:
        self.looks += 1
        return self.seconds


def times(recorded: Recorded, now: list[float] | None = None) -> FrameTimes:
    """One that has looked at them."""
    made = FrameTimes(cast(FrameStore, recorded), now=lambda: (now or [0.0])[0])
    made.look(JOB)
    return made


JOB = a_job(state=JobState.RENDERING, shards=1)


@pytest.mark.parametrize(
    ("taken", "limit_seconds"),
    [
        ((), LONGEST_FRAME_SECONDS),
        ((1, 1), LONGEST_FRAME_SECONDS),
        ((1, 1, 1), SHORTEST_LIMIT_SECONDS),
        ((50, 60, 9000), 600),
        ((3000, 3000, 3000), LONGEST_FRAME_SECONDS),
    ],
)
def test_limit(taken: tuple[float, ...], limit_seconds: float) -> None:
    assert times(Recorded(*taken)).limit_seconds(JOB) == limit_seconds


def test_its_owner_knows_better() -> None:
    job = a_job(state=JobState.RENDERING, shards=1, options={"frame_timeout_seconds": 5})
    assert times(Recorded(100, 100, 100)).limit_seconds(job) == 5


def test_nobody_knows_how_long_the_first_frames_take() -> None:
    measured = times(Recorded(8.0))
    assert measured.expected_seconds(JOB) is None
    measured.add(JOB, 8.0)
    measured.add(JOB, 8.0)
    assert measured.expected_seconds(JOB) == 10


def test_what_one_job_took_says_nothing_of_another() -> None:
    recorded = Recorded()
    measured = times(recorded)
    for _ in range(3):
        measured.add(JOB, 8.0)
    assert measured.median_seconds(JOB) == 8
    assert measured.median_seconds(a_job("b", state=JobState.RENDERING, shards=1)) is None


def test_the_records_are_looked_at_once_in_a_while() -> None:
    recorded, now = Recorded(1, 1, 1), [0.0]
    measured = times(recorded, now)
    other = a_job("b", state=JobState.RENDERING, shards=1)
    for _ in range(5):
        measured.look(JOB)
        measured.look(other)
    assert recorded.looks == 2, "once for each job, though their tasks come in turns"
    now[0] = KEPT_SECONDS - 1
    measured.look(JOB)
    assert recorded.looks == 2
    now[0] = KEPT_SECONDS
    measured.look(JOB)
    assert recorded.looks == 3


def test_a_look_serves_for_ten_frames_that_are_slow() -> None:
    recorded, now = Recorded(30, 30, 30), [0.0]
    measured = times(recorded, now)
    now[0] = 299.0
    measured.look(JOB)
    assert recorded.looks == 1
    now[0] = 300.0
    measured.look(JOB)
    assert recorded.looks == 2


def test_a_job_table_that_is_slow_holds_up_nobody_who_renders() -> None:
    answering, asked = threading.Event(), threading.Event()

    class Slow(Recorded):
        def sample_seconds(self, job: Job, shard: int, limit: int) -> list[float]:
            asked.set()
            assert answering.wait(20), "who renders waits for the table"
            return self.seconds

    measured = FrameTimes(cast(FrameStore, Slow(1, 1, 1)))
    looking = threading.Thread(target=measured.look, args=(JOB,))
    looking.start()
    assert asked.wait(20)
    measured.add(JOB, 2.0)
    assert measured.expected_seconds(JOB) is None
    answering.set()
    looking.join(20)
    assert measured.expected_seconds(JOB) == 1.25


@pytest.fixture
def frames() -> Iterator[FrameStore]:
    with aws_edges() as aws:
        yield FrameStore(aws.dynamodb, aws.job_table_name, "worker-1")


def test_reads_what_other_workers_recorded(frames: FrameStore) -> None:
    for frame, seconds in ((1, 40.0), (2, 50.0), (3, 60.0)):
        frames.record_done(JOB, [DoneFrame(frame=frame, files=(), seconds=seconds, blender_version="4.5.15")])
    frames.record_failed(JOB, 4, reason="crash")
    read: Any = frames.sample_seconds(JOB, 0, 10)
    assert sorted(read) == [40, 50, 60]
    measured = FrameTimes(frames)
    measured.look(JOB)
    assert measured.limit_seconds(JOB) == 500
