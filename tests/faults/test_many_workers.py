"""Workers that end frames of one job at the same instant, again and again: the count is exact.

`make test` runs some, `make chaos` 200. See meeting_transactions.py for the model.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contract.job import FrameState, Job, JobState, Progress
from contract.table import FRAMES_PER_SHARD, MAX_SHARDS, shard_count
from tests.faults.meeting_transactions import MeetingTransactions
from tests.support.emulator import AwsClients, an_emulator, make_job_table
from tests.support.jobs import a_job
from worker_agent.stores.frame_store import CONFLICT_TRIES, DoneFrame, FrameStore

WORKERS = int(os.environ.get("FARM_TEST_WORKERS", "40"))
FRAMES_EACH = 10
FAILED_EVERY = 7
TWICE_EVERY = 5
"""Every so many frames one was rendered by two workers."""


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        client = AwsClients(endpoint, attempts=3).table_client()
        make_job_table(client)
        yield client


def _end_all(table: MeetingTransactions, job: Job, shares: Sequence[Sequence[int]]) -> Counter[int]:
    """Let one worker for each share end its frames, each turn at the same instant.

    Returns how often each frame was newly recorded.
    """
    together = threading.Barrier(len(shares))
    turns = max(map(len, shares))

    def work(number: int) -> list[int]:
        store, ended = FrameStore(table, "jobs", f"worker-{number}"), []
        try:
            for turn in range(turns):
                together.wait(300)
                ended += [frame for frame in shares[number][turn : turn + 1] if _end(store, job, frame)]
        except BaseException:
            together.abort()  # who has failed is not waited for
            raise
        return ended

    with ThreadPoolExecutor(len(shares)) as pool:
        return Counter(frame for ended in pool.map(work, range(len(shares))) for frame in ended)


def _end(store: FrameStore, job: Job, frame: int) -> bool:
    if frame % FAILED_EVERY == 0:
        return store.record_failed(job, frame, reason="no camera")
    name = f"{frame:04}.png"
    return frame in store.record_done(
        job, [DoneFrame(frame=frame, files=(name,), seconds=1, blender_version="4.5.15")]
    )


def _check(table: MeetingTransactions, job: Job, frames: range, recorded: Counter[int]) -> None:
    """Counters, records and answers agree."""
    store = FrameStore(table, "jobs", "reader")
    failed = len([frame for frame in frames if frame % FAILED_EVERY == 0])
    done = len(frames) - failed
    assert store.progress(job) == Progress(total=len(frames), done=done, failed=failed, seconds=done)
    assert recorded == dict.fromkeys(frames, 1)
    found = {record.frame: record.state for record in store.frames(job)}
    assert found == {
        frame: FrameState.DONE if frame % FAILED_EVERY else FrameState.FAILED for frame in frames
    }


def _check_retries(table: MeetingTransactions, name: str, transactions: int) -> None:
    """Transactions did meet, and the tries were enough with room to spare."""
    most = max(table.rejected.values(), default=0)
    spread = Counter(table.rejected.values())
    spread[0] = transactions - len(table.rejected)
    total = table.rejected.total()
    print(
        f"{name}: {transactions} transactions, {total} conflicts, {total / transactions:.2f} retries each,"
        f" {most} at most of {CONFLICT_TRIES - 1}; transactions by retries: {dict(sorted(spread.items()))}"
    )
    assert total > transactions / 10, "hardly any met: nothing is shown"
    assert most < CONFLICT_TRIES - 1


def test_many_workers_end_frames_of_one_job_at_once(dynamodb: Any) -> None:
    frames = range(1, WORKERS * FRAMES_EACH + 1)
    job = a_job(job_id="many", state=JobState.RENDERING, shards=shard_count(len(frames)))
    assert job.shards == min(MAX_SHARDS, WORKERS * FRAMES_EACH // FRAMES_PER_SHARD)
    shares = [list(frames[number::WORKERS]) for number in range(WORKERS)]
    for frame in frames[::TWICE_EVERY]:
        shares[frame % WORKERS].append(frame)
    table = MeetingTransactions(dynamodb, seed=WORKERS)
    FrameStore(table, "jobs", "baker").expect("many", frames, job.shards)
    recorded = _end_all(table, job, shares)
    _check(table, job, frames, recorded)
    _check_retries(table, f"{WORKERS} workers, {job.shards} shards", sum(map(len, shares)))


def test_every_frame_of_a_shard_ends_at_once(dynamodb: Any) -> None:
    """The worst a small job can do: as many workers as frames, and one counter for all."""
    frames = range(1, FRAMES_PER_SHARD + 1)
    job = a_job(job_id="one", state=JobState.RENDERING, shards=1)
    table = MeetingTransactions(dynamodb, seed=1)
    FrameStore(table, "jobs", "baker").expect("one", frames, job.shards)
    recorded = _end_all(table, job, [[frame] for frame in frames])
    _check(table, job, frames, recorded)
    _check_retries(table, f"{len(frames)} workers, 1 shard", len(frames))


def test_the_model_rejects_the_second_and_lets_the_first_go_on(dynamodb: Any) -> None:
    job = a_job(job_id="two", state=JobState.RENDERING, shards=1)
    table = MeetingTransactions(dynamodb, seed=1, in_flight_seconds=(0.5, 0.5))
    FrameStore(table, "jobs", "baker").expect("two", [1, 2], 1)
    impatient = FrameStore(table, "jobs", "second", sleep=lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_end, FrameStore(table, "jobs", "first"), job, 1)
        while not table.transactions:
            time.sleep(0.01)
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException, match="TransactionConflict"):
            _end(impatient, job, 2)
        assert first.result(10)
    assert table.rejected.total() == CONFLICT_TRIES
    assert impatient.progress(job) == Progress(total=2, done=1, seconds=1)
    assert _end(impatient, job, 2)
