"""A preview whose encoder fails, whose pictures cannot be read, or whose worker has to go."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ReadTimeoutError

from contract.frame_record import FrameRecord
from contract.job import Job
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.preview_farm import GREEN, JOB, RED, Farm, done, jpeg
from worker_agent.preview import Made
from worker_agent.stores.bucket import StoredProxy
from worker_agent.tasks.outcome import InterruptedTaskError


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        yield aws


@pytest.fixture
def farm(aws: AwsEdges, tmp_path: Path) -> Farm:
    """With a job of its own for each test."""
    return Farm(aws, tmp_path, replace(JOB, job_id=f"scene-{uuid4().hex[:12]}"))


@pytest.mark.parametrize("does", ["raise SystemExit(1)", "import os; os.abort()", "print('hm', flush=True)"])
def test_an_encoder_that_fails_costs_the_preview_alone(farm: Farm, does: str) -> None:
    farm.has(1, jpeg(RED))
    ready = 'import sys; print(\'{"event": "ready"}\', flush=True); sys.stdin.readline(); '
    made = farm.make([done(1)], command=(sys.executable, "-c", ready + does))
    assert made.files == ()
    assert made.notes[0].startswith("The preview could not be made: ")


def test_without_its_library_there_is_a_sheet_all_the_same(farm: Farm, tmp_path: Path) -> None:
    for frame in (1, 2):
        farm.has(frame, jpeg(RED))
    program = "import sys; sys.modules['av'] = None; from worker_agent.preview import encoder; encoder.main()"
    made = farm.make([done(1), done(2)], command=(sys.executable, "-c", program))
    assert made.files == ("contact_sheet.jpg",)
    assert made.notes[0].startswith("There is no preview.mp4: ")


class BrokenBody:
    """Breaks off as a connection does: so many times, then it is whole."""

    def __init__(self, body: Any, error: Exception | None) -> None:
        self._body, self._error = body, error

    def __enter__(self) -> "BrokenBody":
        return self

    def __exit__(self, *_: object) -> None:
        self._body.close()

    def read(self, *amount: int) -> bytes:
        if self._error:
            raise self._error
        return bytes(self._body.read(*amount))


def break_reads_of(
    farm: Farm, monkeypatch: pytest.MonkeyPatch, frame: int, error: Exception, times: int
) -> list[str]:
    """Each try to read the frame's picture, by its key."""
    tries: list[str] = []
    get = farm.aws.s3.get_object

    def get_object(*, Bucket: str, Key: str, **of_it: Any) -> Any:  # noqa: N803  # as boto3 names them
        answer: dict[str, Any] = {**get(Bucket=Bucket, Key=Key, **of_it)}
        if Key == farm.key(farm.proxy_of(frame).key):
            tries.append(Key)
            answer["Body"] = BrokenBody(answer["Body"], error if len(tries) <= times else None)
        return answer

    monkeypatch.setattr(farm.aws.s3, "get_object", get_object)
    return tries


def test_a_picture_whose_reading_breaks_off_is_read_again(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frame, color in ((1, RED), (2, GREEN)):
        farm.has(frame, jpeg(color))
    tries = break_reads_of(farm, monkeypatch, 2, ReadTimeoutError(endpoint_url="http://s3"), times=2)
    assert farm.make([done(1), done(2)]) == Made(files=("preview.mp4", "contact_sheet.jpg"))
    assert len(tries) == 3
    assert farm.video().shows(1, GREEN)


def test_a_picture_that_cannot_be_read_is_a_gap_among_the_others(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frame in range(1, 5):
        farm.has(frame, jpeg(GREEN))
    break_reads_of(farm, monkeypatch, 3, PermissionError("no key"), times=99)
    made = farm.make([done(frame) for frame in range(1, 5)])
    assert made.files == ("preview.mp4", "contact_sheet.jpg")
    assert made.notes == ("The picture of frame 3 could not be fetched: no key.",)
    video = farm.video()
    assert [video.shows(number, GREEN) for number in range(4)] == [True, True, False, True]


def test_a_worker_that_has_to_go_stops_at_once_and_another_makes_it(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    for frame in range(1, 41):
        farm.has(frame, jpeg(RED))
    reads: list[int] = []
    proxy = farm.bucket.proxy

    def read(job: Job, record: FrameRecord) -> StoredProxy | None:
        reads.append(record.frame)
        return proxy(job, record)

    monkeypatch.setattr(farm.bucket, "proxy", read)
    frames = [done(frame) for frame in range(1, 41)]
    with pytest.raises(InterruptedTaskError, match="has to go"):
        farm.make(frames, leaving=lambda: len(reads) > 3)
    assert len(reads) < 40
    assert not farm.lease.lost, "it can be given back"
    assert farm.make(frames) == Made(files=("preview.mp4", "contact_sheet.jpg"))


def test_a_worker_that_has_to_go_waits_for_no_picture(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.has(1, jpeg(RED))
    tries = break_reads_of(farm, monkeypatch, 1, ReadTimeoutError(endpoint_url="http://s3"), times=10_000)
    with pytest.raises(InterruptedTaskError):
        farm.make([done(1)], leaving=lambda: len(tries) > 1)
    assert len(tries) == 2


def test_a_lost_lease_ends_it_and_nothing_is_stored(farm: Farm) -> None:
    farm.has(1, jpeg(RED))
    farm.lease._lost.set()
    with pytest.raises(InterruptedTaskError):
        farm.make([done(1)])
    assert not farm.aws.s3.list_objects_v2(
        Bucket=farm.aws.render_bucket_name, Prefix=f"film/output/{farm.job.job_id}/contact"
    ).get("Contents")
