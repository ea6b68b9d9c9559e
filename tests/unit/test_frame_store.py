"""A frame and its count move together, and once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from contract.failures import FailureKind
from contract.frame_record import FailedAttempt
from contract.job import FrameState, JobState, Progress
from contract.table import job_key, shard_count, shard_of
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from worker_agent.stores.frame_store import CONFLICT_TRIES, DoneFrame, FrameStore

FRAMES = tuple(range(1, 201))
SHARDS = shard_count(len(FRAMES))
JOB = a_job(state=JobState.RENDERING, shards=SHARDS)


def _failure(token: str, reason: str) -> FailedAttempt:
    return FailedAttempt(token=token, kind=FailureKind.CRASHED, reason=reason, worker="worker-1", at="2026")


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


@pytest.fixture
def frames(aws: AwsEdges) -> FrameStore:
    store = FrameStore(aws.dynamodb, aws.job_table_name, "worker-1", sleep=lambda _: None)
    store.expect("a", FRAMES, SHARDS)
    return store


def put_job(aws: AwsEdges, **attributes: Any) -> None:
    job = replace(JOB, state=JobState.BAKING, **attributes)
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key("a"), **job.to_item()})


def test_many_frames_lie_in_several_shards() -> None:
    assert SHARDS > 1
    assert len({shard_of(frame, SHARDS) for frame in FRAMES}) == SHARDS


def test_a_done_frame_is_recorded_and_counted(frames: FrameStore) -> None:
    assert frames.record_done(
        JOB,
        [DoneFrame(frame=7, files=("0007.png", "depth/0007.exr"), seconds=1.25, blender_version="4.5.15")],
    )
    record = frames.frame(JOB, 7)
    assert record
    assert (record.state, record.files, record.seconds) == (
        FrameState.DONE,
        ("0007.png", "depth/0007.exr"),
        1.25,
    )
    assert record.worker == "worker-1"
    assert frames.progress(JOB) == Progress(total=200, done=1, seconds=1.25)


def test_a_frame_never_counts_twice(frames: FrameStore) -> None:
    assert frames.record_done(
        JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")]
    )
    assert not frames.record_done(
        JOB, [DoneFrame(frame=7, files=("other.png",), seconds=2, blender_version="4.5.15")]
    )
    assert not frames.record_failed(JOB, 7, reason="late")
    assert frames.progress(JOB) == Progress(total=200, done=1, seconds=1)
    record = frames.frame(JOB, 7)
    assert record
    assert record.files == ("0007.png",)


def test_a_shard_adds_up_what_its_frames_took(frames: FrameStore) -> None:
    for frame in (7, 8, 9):
        frames.record_done(
            JOB, [DoneFrame(frame=frame, files=(), seconds=frame + 0.123, blender_version="4.5.15")]
        )
    frames.record_failed(JOB, 10, reason="crash")
    assert frames.progress(JOB).seconds == pytest.approx(24.369, abs=1e-9)


def test_frames_beside_others_take_less_of_their_worker(frames: FrameStore) -> None:
    for frame in (1, 2):
        done = DoneFrame(frame=frame, files=(), seconds=12.0, blender_version="4.5.15")
        frames.record_done(JOB, [done], sessions=4)
    assert frames.progress(JOB).seconds == 6
    record = frames.frame(JOB, 1)
    assert record and record.seconds == 12, "and it took as long as it took"


def test_attempts_are_counted_until_the_frame_ends(frames: FrameStore) -> None:
    assert frames.add_failure(JOB, 7, _failure("a", "crash")) == 1
    assert frames.add_failure(JOB, 7, _failure("a", "crash")) == 1, "written twice, counted once"
    assert frames.add_failure(JOB, 7, _failure("b", "out of memory")) == 2
    record = frames.frame(JOB, 7)
    assert record
    assert (record.state, record.attempts, record.reason) == (FrameState.WAITING, 2, "out of memory")
    assert frames.progress(JOB).failed == 0
    assert frames.record_failed(JOB, 7, reason="out of memory")
    assert frames.add_failure(JOB, 7, _failure("c", "again")) == 0
    assert frames.progress(JOB) == Progress(total=200, failed=1)


def test_an_interruption_counts_against_nobody(frames: FrameStore) -> None:
    frames.add_interruption(JOB, 7)
    frames.add_interruption(JOB, 7)
    record = frames.frame(JOB, 7)
    assert record
    assert (record.state, record.interruptions, record.attempts) == (FrameState.WAITING, 2, 0)
    assert frames.add_failure(JOB, 7, _failure("a", "crash")) == 1
    assert frames.record_done(
        JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")]
    )
    frames.add_interruption(JOB, 7)
    record = frames.frame(JOB, 7)
    assert record
    assert (record.state, record.interruptions) == (FrameState.DONE, 2), "a done frame stays as it is"


def test_a_failed_frame_that_is_opened_again_is_counted_again(aws: AwsEdges, frames: FrameStore) -> None:
    put_job(aws, bake_token="t")
    frames.add_failure(JOB, 7, _failure("a", "crash"))
    frames.record_failed(JOB, 7, reason="crash")
    failed = frames.frame(JOB, 7)
    assert failed
    assert not frames.reopen(JOB, failed, bake_token="u"), "a baker that was followed by another"
    assert frames.reopen(JOB, failed, bake_token="t")
    assert not frames.reopen(JOB, failed, bake_token="t")
    record = frames.frame(JOB, 7)
    assert record
    assert (record.state, record.attempts, record.reason) == (FrameState.WAITING, 0, "")
    assert frames.progress(JOB) == Progress(total=200)
    assert frames.record_done(
        JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")]
    )
    assert not frames.reopen(JOB, failed, bake_token="t")
    assert frames.progress(JOB) == Progress(total=200, done=1, seconds=1)


def test_failures_of_a_waiting_frame_are_forgotten_when_it_is_opened_again(
    aws: AwsEdges, frames: FrameStore
) -> None:
    put_job(aws, bake_token="t")
    frames.add_failure(JOB, 7, _failure("a", "crash"))
    waiting = frames.frame(JOB, 7)
    assert waiting
    assert frames.reopen(JOB, waiting, bake_token="t")
    assert frames.add_failure(JOB, 7, _failure("b", "crash")) == 1
    assert frames.progress(JOB) == Progress(total=200)


def test_a_frame_that_succeeds_in_the_end_bears_no_reason(frames: FrameStore) -> None:
    frames.add_failure(JOB, 7, _failure("a", "crash"))
    frames.record_done(JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")])
    record = frames.frame(JOB, 7)
    assert record
    assert (record.state, record.attempts, record.reason) == (FrameState.DONE, 1, "")


def test_the_end_is_seen_when_the_last_frame_of_all_shards_has_ended(frames: FrameStore) -> None:
    for frame in FRAMES[:-1]:
        assert not frames.has_ended(JOB, [frame])
        if frame % 50:
            frames.record_done(
                JOB,
                [DoneFrame(frame=frame, files=(f"{frame:04d}.png",), seconds=1, blender_version="4.5.15")],
            )
        else:
            frames.record_failed(JOB, frame, reason="crash")
        assert not frames.has_ended(JOB, [frame]), "not when its own shard is complete and another is not"
    frames.record_done(
        JOB, [DoneFrame(frame=FRAMES[-1], files=("0200.png",), seconds=1, blender_version="4.5.15")]
    )
    assert frames.has_ended(JOB, [FRAMES[-1]])
    assert frames.has_ended(JOB, [1]), "a frame that comes again sees it too"
    assert sorted(record.frame for record in frames.frames(JOB)) == list(FRAMES)


def test_expecting_frames_again_forgets_no_count(frames: FrameStore) -> None:
    frames.record_done(JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")])
    frames.expect("a", FRAMES, SHARDS)
    assert frames.progress(JOB) == Progress(total=200, done=1, seconds=1)


class Conflicts:
    """A table whose transactions meet others: the emulators never say so."""

    def __init__(self, dynamodb: Any, times: int) -> None:
        self._dynamodb = dynamodb
        self._left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def transact_write_items(self, **call: Any) -> Any:
        if self._left:
            self._left -= 1
            raise self._dynamodb.exceptions.TransactionCanceledException(
                {
                    "Error": {"Code": "TransactionCanceledException"},
                    "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
                },
                "TransactWriteItems",
            )
        return self._dynamodb.transact_write_items(**call)

    def update_item(self, **call: Any) -> Any:
        if self._left:
            self._left -= 1
            raise self._dynamodb.exceptions.TransactionConflictException(
                {"Error": {"Code": "TransactionConflictException"}}, "UpdateItem"
            )
        return self._dynamodb.update_item(**call)


def test_an_update_that_meets_a_transaction_is_tried_again(aws: AwsEdges, frames: FrameStore) -> None:
    store = FrameStore(Conflicts(aws.dynamodb, 3), aws.job_table_name, "w", sleep=lambda _: None)
    assert store.add_failure(JOB, 7, _failure("one", "crashed")) == 1
    record = frames.frame(JOB, 7)
    assert record
    assert [failure.token for failure in record.failures] == ["one"]


def test_transactions_that_meet_are_tried_again(aws: AwsEdges, frames: FrameStore) -> None:
    waits: list[float] = []
    store = FrameStore(
        Conflicts(aws.dynamodb, CONFLICT_TRIES - 1), aws.job_table_name, "w", sleep=waits.append
    )
    assert store.record_done(
        JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")]
    )
    assert frames.progress(JOB).done == 1
    assert len(waits) == CONFLICT_TRIES - 1
    assert sum(waits) < 45


def test_transactions_that_always_meet_are_given_up(aws: AwsEdges, frames: FrameStore) -> None:
    store = FrameStore(Conflicts(aws.dynamodb, CONFLICT_TRIES), aws.job_table_name, "w", sleep=lambda _: None)
    with pytest.raises(aws.dynamodb.exceptions.TransactionCanceledException):
        store.record_done(JOB, [DoneFrame(frame=7, files=("0007.png",), seconds=1, blender_version="4.5.15")])
    assert frames.progress(JOB).done == 0


def some_done(frames: Iterable[int]) -> list[DoneFrame]:
    return [
        DoneFrame(frame=frame, files=(f"{frame:04d}.png",), seconds=0.25, blender_version="4.5.15")
        for frame in frames
    ]


def test_frames_of_one_shard_are_recorded_in_one_transaction(aws: AwsEdges, frames: FrameStore) -> None:
    calls: list[int] = []
    aws.dynamodb.meta.events.register(
        "before-parameter-build.dynamodb.TransactWriteItems",
        lambda params, **_: calls.append(len(params["TransactItems"])),
    )
    assert frames.record_done(JOB, some_done(range(1, 11))) == set(range(1, 11))
    shards = {shard_of(frame, SHARDS) for frame in range(1, 11)}
    assert len(calls) == len(shards) < 10
    assert sum(calls) == 10 + len(shards), "each frame, and a counter for each shard"
    assert frames.progress(JOB) == Progress(total=200, done=10, seconds=2.5)


def test_of_frames_recorded_together_one_that_had_ended_keeps_no_other_back(frames: FrameStore) -> None:
    frames.record_failed(JOB, 3, reason="crash")
    frames.record_done(JOB, some_done([7]))
    assert frames.record_done(JOB, some_done(range(1, 21))) == set(range(1, 21)) - {3, 7}
    assert frames.progress(JOB) == Progress(total=200, done=19, failed=1, seconds=19 * 0.25)
    assert frames.record_done(JOB, some_done(range(1, 21))) == set()
