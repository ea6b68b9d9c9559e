"""How long `farm jobs` takes, the whole process, on a laptop farm with 50 and with 1,000 jobs.

A tenth of the jobs go on, some were canceled: of these the counters have to be asked as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

from contract.job import Job, JobState, timestamp
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, counter_key, job_key
from farm.jobs import Farm
from farm.local import clients
from farm.local.settings import ROOT
from farm.local.state import StateFolder

_SIZES: Final = (50, 1000)
_TIMES: Final = 5
_FRAMES: Final = 120
_SHARDS: Final = 3
_ENDED = (JobState.DONE, JobState.DONE, JobState.DONE_WITH_FAILURES, JobState.CANCELED, JobState.FAILED)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "FARM_STATE_DIR": folder,
            "FARM_BLENDER": sys.executable,
            "PYTHONPATH": str(ROOT),
        }
        _farm(env, "local", "up")
        try:
            _measure(folder, env)
        finally:
            _farm(env, "local", "down")


def _measure(folder: str, env: dict[str, str]) -> None:
    record = StateFolder(Path(folder)).read_farm()
    assert record
    farm, put = clients.farm_of(record), 0
    for size in _SIZES:
        put_jobs(farm, range(put, size))
        put = size
        for arguments in (("jobs",), ("jobs", "--all"), ("jobs", "--all", "--json")):
            seconds = []
            for _ in range(_TIMES):
                began = perf_counter()
                lines = _farm(env, "--farm", "local", *arguments).count("\n")
                seconds.append(perf_counter() - began)
            print(
                f"farm {' '.join(arguments)} with {size:,} jobs, {lines:,} lines: "
                f"median {median(seconds):.2f} s, from {min(seconds):.2f} to {max(seconds):.2f} s"
            )


def put_jobs(farm: Farm, numbers: range) -> None:
    """Write job records, and the counters of those that have any."""
    with farm.table.batch_writer() as batch:
        for number in numbers:
            for item in _items(farm.bucket, number):
                batch.put_item(Item=item)


def _items(bucket: str, number: int) -> Iterator[dict[str, Any]]:
    created = timestamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number))
    state = JobState.RENDERING if number % 10 == 0 else _ENDED[number % len(_ENDED)]
    job = Job(
        job_id=f"shot-{number:04d}-{number:012x}",
        project=f"film/shot-{number:04d}",
        name=f"shot_{number:04d}.blend",
        bucket=bucket,
        source_key=f"film/shot-{number:04d}/shot_{number:04d}.blend",
        source_version=f"{number:032x}",
        source_bytes=10_000_000,
        created_at=created,
        updated_at=created,
        state=state,
        task_sent_at=created,
        frames=f"1-{_FRAMES}",
        frame_count=_FRAMES,
        shards=_SHARDS,
        frames_done=_FRAMES if state is JobState.DONE else 0,
        scene={"engine": "CYCLES", "fps": 24, "width": 1920, "height": 1080, "format": "PNG"},
        worker_seconds=4000,
        microdollars=1_230_000,
    )
    yield {**job_key(job.job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING}
    if state not in (JobState.DONE, JobState.DONE_WITH_FAILURES):
        for shard in range(_SHARDS):
            yield {**counter_key(job.job_id, shard), "total": _FRAMES // _SHARDS, "done": 7, "failed": 0}


def _farm(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "farm", *arguments]
    return subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
