"""Machines of which nothing comes: when that is said, and when a long frame or bake has its time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from contract.job import JobState, Progress
from contract.metrics import SECONDS_WITHOUT_PROGRESS
from contract.options import LONGEST_FRAME_SECONDS, MAX_TASK_SECONDS
from contract.worker_record import NO_FRAME, Doing, WorkerRecord
from functions.measure_backlog.handler import UncountedError
from functions.measure_backlog.records import OpenJob
from functions.measure_backlog.standstill import (
    ANOTHER_FLEET_SECONDS,
    FINISH_SECONDS,
    Standstill,
    allowed_seconds,
    mark_of,
)
from functions.measure_backlog.work import Work
from tests.support.measured_farm import MeasuredFarm, measured_farm

NOW = 1_800_000_000
MINUTE = 60
HOUR = 3600


def an_open_job(job_id: str = "a", state: JobState = JobState.RENDERING, **known: Any) -> OpenJob:
    return OpenJob(job_id=job_id, state=state, **known)


def a_worker(doing: Doing, job_id: str = "a", **said: Any) -> WorkerRecord:
    return WorkerRecord(worker_id="i-1", doing=doing, job_id=job_id, since=NOW, seen_at=NOW, **said)


STEPS = [
    ("nothing", {}, {}, False),
    ("a frame is done", {}, {"done": 4}, True),
    ("a frame is given up", {}, {"failed": 1}, True),
    ("another state", {"state": JobState.FINISHING}, {}, True),
    ("a step of a bake", {"bake_progress": {"kind": "cloth", "frame": 8}}, {}, True),
    ("why it waits", {"waiting_for": "a machine"}, {}, False),
    ("its record is written", {"updated_at": "2026-12-01"}, {}, False),
]


@pytest.mark.parametrize(("what", "job", "counted", "moves"), STEPS, ids=[step[0] for step in STEPS])
def test_what_is_progress(what: str, job: dict[str, Any], counted: dict[str, Any], moves: bool) -> None:
    before = an_open_job(bake_progress={"kind": "cloth", "frame": 7})
    known = Progress(total=9, done=3)
    after, then = replace(before, **job), replace(known, **counted)
    assert (mark_of([before], {"a": known}) != mark_of([after], {"a": then})) is moves


def test_a_job_that_ends_is_progress_and_one_that_comes_to_wait_is_none() -> None:
    one, other = an_open_job("a"), an_open_job("b", JobState.BAKING)
    waits = an_open_job("c", JobState.QUEUED)
    assert mark_of([one, other], {}) != mark_of([other], {})
    assert mark_of([one, other, waits], {}) == mark_of([other, one], {})


ALLOWED = [
    ("nobody is at work", {}, None, Progress(), 0),
    ("idle", {}, {"doing": Doing.IDLE}, Progress(), 0),
    ("at a job that has ended", {}, {"doing": Doing.RENDER, "job_id": "gone"}, Progress(), 0),
    ("a bake", {}, {"doing": Doing.BAKE}, Progress(), MAX_TASK_SECONDS),
    ("a bake with a limit", {"bake_timeout_seconds": 600}, {"doing": Doing.BAKE}, Progress(), 600),
    ("a first frame", {}, {"doing": Doing.RENDER}, Progress(), LONGEST_FRAME_SECONDS),
    ("its scene opens", {}, {"doing": Doing.RENDER, "frame": NO_FRAME}, Progress(), LONGEST_FRAME_SECONDS),
    ("a frame with a limit", {"frame_timeout_seconds": 9}, {"doing": Doing.RENDER}, Progress(), 9),
    ("quick frames", {}, {"doing": Doing.RENDER}, Progress(done=3, seconds=6), 300),
    ("usual frames", {}, {"doing": Doing.RENDER}, Progress(done=10, seconds=1000), 1000),
    (
        "frames that grow",
        {},
        {"doing": Doing.RENDER, "recent_seconds": (90.0, 200.0)},
        Progress(done=10, seconds=1000),
        2000,
    ),
    (
        "slow frames",
        {},
        {"doing": Doing.RENDER},
        Progress(done=3, seconds=3 * HOUR),
        LONGEST_FRAME_SECONDS,
    ),
    ("a summary", {}, {"doing": Doing.FINISH}, Progress(), FINISH_SECONDS),
]


@pytest.mark.parametrize(
    ("what", "options", "said", "counted", "seconds"), ALLOWED, ids=[case[0] for case in ALLOWED]
)
def test_what_is_allowed(
    what: str, options: dict[str, Any], said: dict[str, Any] | None, counted: Progress, seconds: int
) -> None:
    workers = [] if said is None else [a_worker(**said)]
    work = Work(jobs=[an_open_job(options=options)], progress={"a": counted}, workers=workers)
    assert allowed_seconds(work) == seconds
    late = Standstill(mark="m", since=NOW - seconds - 5, seen_at=NOW)
    assert late.seconds(work, NOW) == 5
    assert late.seconds(work, NOW - 6) == 0


def test_of_several_the_longest_is_allowed() -> None:
    workers = [a_worker(Doing.IDLE), a_worker(Doing.BAKE), a_worker(Doing.FINISH)]
    assert allowed_seconds(Work(jobs=[an_open_job()], workers=workers)) == MAX_TASK_SECONDS


@pytest.mark.parametrize(
    ("mark", "later_seconds", "since"),
    [
        ("same", MINUTE, 0),
        ("other", MINUTE, MINUTE),
        ("same", ANOTHER_FLEET_SECONDS - 1, 0),
        ("same", ANOTHER_FLEET_SECONDS, ANOTHER_FLEET_SECONDS),
        ("same", -MINUTE, -MINUTE),
    ],
)
def test_since_when_it_stands_still(mark: str, later_seconds: int, since: int) -> None:
    """Machines that come after hours without any begin anew, and so does a clock that was set back."""
    before = Standstill(mark="same", since=NOW, seen_at=NOW)
    after = before.seen(mark, NOW + later_seconds)
    assert after == Standstill(mark=mark, since=NOW + since, seen_at=NOW + later_seconds)


class Minutes:
    """A farm whose measures are some time apart."""

    def __init__(self, farm: MeasuredFarm) -> None:
        self.farm = farm
        self.now = float(NOW)
        farm.measurement = replace(farm.measurement, now=lambda: self.now)

    def pass_by(self, minutes: int, doing: Doing | None = None, job_id: str = "") -> None:
        """A measure every ten minutes, and at last: else the machines would have been gone."""
        for step in [*[10] * (minutes // 10), minutes % 10]:
            self.now += step * MINUTE
            if doing:
                now = int(self.now)
                said = WorkerRecord(worker_id="i-0", doing=doing, job_id=job_id, since=now, seen_at=now)
                self.farm.put(said.to_item())
            self.farm.measure()

    @property
    def seconds(self) -> float | None:
        """The most that was said; None when nothing was."""
        answer = self.farm.aws.cloudwatch.get_metric_statistics(
            Namespace="Studio",
            MetricName=SECONDS_WITHOUT_PROGRESS,
            Dimensions=[{"Name": "Fleet", "Value": self.farm.measurement.settings.worker_asg_name}],
            StartTime="2020-01-01T00:00:00Z",
            EndTime="2100-01-01T00:00:00Z",
            Period=60,
            Statistics=["SampleCount", "Maximum"],
        )["Datapoints"]
        return max((point["Maximum"] for point in answer), default=None)


@pytest.fixture
def minutes() -> Iterator[Minutes]:
    """One machine in service."""
    with measured_farm() as farm:
        farm.autoscaling.desired, farm.autoscaling.states = 1, ["InService"]
        yield Minutes(farm)


def test_a_farm_without_machines_says_nothing_and_asks_nothing(minutes: Minutes) -> None:
    minutes.farm.autoscaling.states = []
    minutes.pass_by(30)
    assert minutes.seconds is None
    assert minutes.farm.measurement.records.standstill() is None


def test_machines_without_any_work_are_told(minutes: Minutes) -> None:
    minutes.pass_by(1)
    assert minutes.seconds == 0
    minutes.pass_by(40)
    assert minutes.seconds == 40 * MINUTE


def test_machines_that_boot_and_die_are_told(minutes: Minutes) -> None:
    """There are frames to render, and nobody ever says that he renders one."""
    minutes.farm.rendering("a", frames=4)
    minutes.farm.send(minutes.farm.aws.render_queue_url, 4)
    minutes.farm.autoscaling.states = ["Pending"]
    minutes.farm.measure()
    minutes.pass_by(41)
    assert minutes.seconds == 41 * MINUTE


def test_a_long_frame_has_its_time_and_no_more(minutes: Minutes) -> None:
    minutes.farm.rendering("a", frames=4)
    minutes.farm.send(minutes.farm.aws.render_queue_url, 4)
    minutes.farm.measure()
    minutes.pass_by(LONGEST_FRAME_SECONDS // MINUTE, Doing.RENDER, "a")
    assert minutes.seconds == 0
    minutes.pass_by(20, Doing.RENDER, "a")
    assert minutes.seconds == 20 * MINUTE


def test_the_owners_own_limits_are_read_from_the_record(minutes: Minutes) -> None:
    minutes.farm.job("a", JobState.BAKING, options={"bake_timeout_seconds": 300})
    minutes.farm.send(minutes.farm.aws.bake_queue_url, 1)
    minutes.farm.measure()
    minutes.pass_by(10, Doing.BAKE, "a")
    assert minutes.seconds == 300


def test_frames_that_end_begin_it_anew(minutes: Minutes) -> None:
    minutes.farm.rendering("a", frames=4)
    minutes.farm.send(minutes.farm.aws.render_queue_url, 4)
    minutes.farm.measure()
    minutes.pass_by(20)
    minutes.farm.rendering("a", frames=4, done=[60.0])
    minutes.pass_by(10)
    assert minutes.seconds == 20 * MINUTE
    minutes.pass_by(20)
    assert minutes.seconds == 20 * MINUTE, "and it is as long again since then"


def test_what_cannot_be_read_ends_no_measure(minutes: Minutes, caplog: pytest.LogCaptureFixture) -> None:
    minutes.farm.lose_table()
    with caplog.at_level(logging.ERROR), pytest.raises(UncountedError, match="whether anything comes"):
        minutes.farm.measure()
    assert "whether anything comes of the machines could not be measured" in caplog.text
    assert minutes.farm.emitted()["GrowTo"] == 0
