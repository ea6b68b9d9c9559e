"""What the benchmark reads from an agent's notes of its requests."""

from pathlib import Path

import boto3
import botocore.session
import pytest
from moto import mock_aws

from bench.render.blender import BenchError
from bench.render.interval import Interval
from bench.render.recording_agent import Note, NotesFile, Recorder
from bench.render.scenes import samples_for
from contract.frame_record import FrameRecord
from contract.job import FrameState
from contract.keys import frames_prefix
from contract.tasks import RenderTask, encode
from tests.support.jobs import a_job

JOB = a_job("shot-1")
OTHER = a_job("shot-2")


def answer(at: float, name: str, *tasks: tuple[str, str]) -> Note:
    return Note(at=at, name=name, answered=True, tasks=tasks)


def upload(at: float, job_id: str) -> Note:
    return Note(at=at, name="PutObject", answered=False, key=frames_prefix(JOB.project, job_id) + "0001.png")


NOTES = [
    answer(1, "TransactWriteItems"),  # of a job before
    answer(2, "ReceiveMessage", ("RenderTask", OTHER.job_id)),
    answer(3, "ReceiveMessage", ("RenderTask", JOB.job_id)),
    upload(3.5, OTHER.job_id),
    upload(5, JOB.job_id),
    answer(6, "PutObject"),
    answer(7, "TransactWriteItems"),
    upload(8, JOB.job_id),
    answer(9, "TransactWriteItems"),
    answer(10, "DeleteMessage"),
    answer(11, "ReceiveMessage", ("FinishTask", JOB.job_id)),
    answer(12, "TransactWriteItems"),
]


def test_it_is_from_the_first_claim_to_the_last_record() -> None:
    interval = Interval.of(NOTES, JOB)
    assert (interval.claimed, interval.recorded, interval.seconds) == (3, 9, 6)
    assert interval.calls == {"ReceiveMessage": 1, "PutObject": 1, "TransactWriteItems": 2}


def test_the_frames_begin_as_long_before_the_first_upload_as_the_first_took() -> None:
    frames = [
        FrameRecord(frame=2, state=FrameState.DONE, seconds=0.25, ended_at="2026-01-01T00:00:09.000Z"),
        FrameRecord(frame=1, state=FrameState.DONE, seconds=1.5, ended_at="2026-01-01T00:00:07.000Z"),
    ]
    assert Interval.of(NOTES, JOB).frames_seconds(frames) == 9 - (5 - 1.5)


@pytest.mark.parametrize("left_out", [{3}, {11}, {5, 8}, {7, 9}])
def test_notes_that_lack_something_are_refused(left_out: set[float]) -> None:
    with pytest.raises(BenchError, match="shot-1"):
        Interval.of([note for note in NOTES if note.at not in left_out], JOB)


@mock_aws
def test_requests_of_an_agent_are_noted(tmp_path: Path) -> None:
    session, notes = botocore.session.get_session(), tmp_path / "notes.jsonl"
    with notes.open("a", buffering=1) as file:
        Recorder(file).watch(session)
        _make_requests(session)
    found = list(NotesFile(notes).new())
    assert [note.name for note in found if note.answered] == [
        "CreateBucket",
        "PutObject",
        "CreateQueue",
        "SendMessage",
        "SendMessage",
        "ReceiveMessage",
    ]
    assert [note.key for note in found if note.key] == ["a/0001.png"]
    assert sorted(task for note in found for task in note.tasks) == [("RenderTask", "shot-1"), ("none", "")]
    assert [note.at for note in found] == sorted(note.at for note in found)


def test_notes_are_read_once_and_when_their_line_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    file = NotesFile(path)
    assert not list(file.new())
    for written, names in (
        ('{"at": 1, "name": "One", "answered": true}\n{"at": 2, "na', ["One"]),
        ('me": "Two", "answ', []),  # as another process may see it
        ('ered": true}\n{"at": 3, "name": "Drei\u00df", "answered": true}\n', ["Two", "Drei\u00df"]),
        ("", []),
    ):
        with path.open("a", encoding="utf-8") as notes:
            notes.write(written)
        assert [note.name for note in file.new()] == names


def test_samples_are_found_for_a_frame_that_takes_some_time_anyway() -> None:
    assert samples_for(1.0, lambda samples: 0.2 + 0.02 * samples) == 40
    assert samples_for(0.01, lambda samples: 0.2 + 0.02 * samples) == 1  # no frame is as quick as that
    assert samples_for(9.0, lambda samples: 0.2) == 4096


def _make_requests(session: botocore.session.Session) -> None:
    clients = boto3.Session("id", "secret", region_name="us-east-1", botocore_session=session)
    s3, sqs = clients.client("s3"), clients.client("sqs")
    s3.create_bucket(Bucket="frames")
    s3.put_object(Bucket="frames", Key="a/0001.png", Body=b"")
    url = sqs.create_queue(QueueName="render")["QueueUrl"]
    for body in (encode(RenderTask("shot-1", "7")), "no task"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
