"""Keys of the job table, and how a job's frames are spread over its partitions.

A partition takes 1,000 write units a second and a transactional write costs two, so a job's frames
and counters lie in several shards; a frame and its counter share one, so that one transaction in one
partition counts it, and a worker learns from its own shard alone whether to look at the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from zlib import crc32

PARTITION_KEY, SORT_KEY = "pk", "sk"
JOBS_BY_CREATION = "jobs-by-creation"
"""Index: every job by created_at."""
INDEX_PARTITION_KEY, INDEX_SORT_KEY = "listing", "created_at"
JOB_LISTING = "job"
UNFINISHED_JOBS = "unfinished-jobs"
"""Index: the jobs that have not ended, by created_at; only they have the attribute it is made from."""
UNFINISHED = "unfinished"
"""That attribute: JOB_LISTING from a job's creation until it ends (contract.job, contract.job_writes)."""

EXPIRES_AT = "expires_at"
"""Epoch seconds after which DynamoDB drops an item that has it; a job has none."""

FRAMES_PER_SHARD = 50
MAX_SHARDS = 64

FRAME_PREFIX = "FRAME#"
_COUNTER = "COUNTER"


def job_key(job_id: str) -> dict[str, str]:
    return {PARTITION_KEY: f"JOB#{job_id}", SORT_KEY: "JOB"}


def standstill_key() -> dict[str, str]:
    """Of the one item that says since when nothing has come of the machines (measure_backlog)."""
    return {PARTITION_KEY: "FLEET", SORT_KEY: "STANDSTILL"}


def watch_key() -> dict[str, str]:
    """Of the one item that says which run of the measure looks next, and when (measure_backlog)."""
    return {PARTITION_KEY: "FLEET", SORT_KEY: "WATCH"}


def shard_count(frame_count: int) -> int:
    """Shards for a job of so many frames."""
    return max(1, min(MAX_SHARDS, -(-frame_count // FRAMES_PER_SHARD)))


def shard_of(frame: int, shards: int) -> int:
    """The shard of a frame: spread evenly whatever the range's step is."""
    return crc32(str(frame).encode()) % shards


def shard_totals(frames: Sequence[int], shards: int) -> list[int]:
    """How many of the frames lie in each shard."""
    counts = Counter(shard_of(frame, shards) for frame in frames)
    return [counts[shard] for shard in range(shards)]


def shard_partition(job_id: str, shard: int) -> str:
    return f"JOB#{job_id}#{shard}"


def frame_key(job_id: str, shards: int, frame: int) -> dict[str, str]:
    return {
        PARTITION_KEY: shard_partition(job_id, shard_of(frame, shards)),
        SORT_KEY: f"{FRAME_PREFIX}{frame:07d}",
    }


def counter_key(job_id: str, shard: int) -> dict[str, str]:
    return {PARTITION_KEY: shard_partition(job_id, shard), SORT_KEY: _COUNTER}
