"""The one job that a fleet renders: queued as the listener leaves it, and how far it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from bench.aws_in_memory import Services
from bench.aws_in_memory.expressions import plain
from bench.scale.fleet import Names
from contract.job import Job, JobState
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, counter_key, job_key
from contract.tasks import BakeTask, encode

JOB_ID: Final = "shot-010-0123456789ab"
SOURCE: Final = "film/shot-010/shot_010.blend"
BLEND: Final = b"BLENDER-v405" + b"ENDB" + bytes(20)
"""The agent reads nothing of it but its version."""


def queued_job(names: Names, frame_count: int, source_version: str = "1") -> dict[str, Any]:
    """Its record, as the listener leaves it."""
    job = Job(
        job_id=JOB_ID,
        project="film/shot-010",
        name="shot_010.blend",
        bucket=names.render_bucket_name,
        source_key=SOURCE,
        source_version=source_version,
        source_bytes=len(BLEND),
        created_at="2026-11-30T08:00:00.000Z",
        updated_at="2026-11-30T08:00:00.000Z",
        task_sent_at="2026-11-30T08:00:00.000Z",
        options={"frames": f"1-{frame_count}"},
    )
    return {**job_key(JOB_ID), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING}


class RenderedJob:
    """Written to the services directly: nothing of it counts as a request."""

    def __init__(self, services: Services, names: Names, frame_count: int) -> None:
        self._services = services
        services.bucket.put(f"{names.render_bucket_name}/{SOURCE}", BLEND)
        services.table.put(job_key(JOB_ID), queued_job(names, frame_count))
        services.queues.put(names.bake_queue_url, encode(BakeTask(JOB_ID)))

    @property
    def frames_are_sent(self) -> bool:
        record = self._services.table.peek(job_key(JOB_ID))
        return bool(record["state"]["S"] == JobState.RENDERING and record["frames_sent_at"]["S"])

    @property
    def frames_done(self) -> int:
        return self._sum("done")

    def keep_open(self) -> None:
        """Count one frame more than there are, so that the job does not end and no film is made of it."""
        key = counter_key(JOB_ID, 0)
        total = int(plain(self._services.table.peek(key)["total"]))
        self._services.table.put(key, {"total": Decimal(total + 1)})

    def _sum(self, name: str) -> int:
        shards = int(plain(self._services.table.peek(job_key(JOB_ID))["shards"]))
        counters = (self._services.table.peek(counter_key(JOB_ID, shard)) for shard in range(shards))
        return sum(int(plain(counter.get(name, {"N": "0"}))) for counter in counters)
