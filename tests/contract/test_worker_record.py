from __future__ import annotations

from decimal import Decimal

from contract.worker_record import (
    KEPT_SECONDS,
    RENEW_SECONDS,
    WORKER_SHARDS,
    Doing,
    WorkerRecord,
    workers_partition,
)

RECORD = WorkerRecord(worker_id="i-0123", doing=Doing.RENDER, job_id="j", frame=7, since=1_000, seen_at=1_030)


def test_an_item_reads_back_whatever_a_newer_agent_adds() -> None:
    item = {**RECORD.to_item(), "frame": Decimal(7), "since": Decimal(1000), "newer": "x"}
    assert WorkerRecord.from_item(item) == RECORD


def test_a_worker_that_is_not_heard_of_grows_no_busier() -> None:
    assert RECORD.busy_seconds(1_045) == 45
    assert RECORD.busy_seconds(9_999) == RECORD.seen_at + RENEW_SECONDS - RECORD.since
    assert RECORD.busy_seconds(900) == 0  # of a machine whose clock is ahead


def test_it_lies_in_one_of_the_partitions_that_are_read_and_is_dropped_in_the_end() -> None:
    item = RECORD.to_item()
    assert item["pk"] in {workers_partition(shard) for shard in range(WORKER_SHARDS)}
    assert item["expires_at"] == RECORD.seen_at + KEPT_SECONDS
