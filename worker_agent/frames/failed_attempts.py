"""What follows when an attempt at a frame fails: it is recorded, tried again elsewhere, or given up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from contract.frame_record import FailedAttempt
from contract.job import Job, timestamp
from contract.keys import attempt_log, output_prefix
from contract.options import JobOptions
from worker_agent.blender import BlenderError
from worker_agent.blender.failure_kinds import kind_of
from worker_agent.jobs.early_stop import reason_to_stop
from worker_agent.stores import Stores
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError
from worker_agent.telemetry.metrics import FrameMetrics

log = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5
"""A failed frame waits this long for each attempt it has behind it."""
YIELD_SECONDS: Final = 3
"""A worker that meets a frame which it failed leaves it to the others for so long each time."""


class FailedAttempts:
    """`elsewhere_seconds`: how long a worker leaves a frame that it failed to others, if there are any."""

    def __init__(
        self,
        *,
        stores: Stores,
        metrics: FrameMetrics,
        elsewhere_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stores = stores
        self._metrics = metrics
        self._elsewhere_seconds = elsewhere_seconds
        self._now = now
        self._lock = threading.Lock()
        self._failed_here: dict[tuple[str, int], float] = {}

    def is_for_others(self, job: Job, frame: int) -> bool:
        """Whether this worker failed the frame just now: another may have more memory, or a sound disk."""
        failed_at = self._failed_here.get((job.job_id, frame))
        return failed_at is not None and self._now() - failed_at < self._elsewhere_seconds

    def take(self, job: Job, frame: int, error: BlenderError, lease: Lease) -> GiveBack | None:
        """Record a failed attempt. None when the frame has ended: given up, or done by somebody else."""
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the frame failed")
        log.warning("job %s frame %d failed: %s", job.job_id, frame, error.reason)
        attempts = self._stores.frames.add_failure(job, frame, self._record(job, frame, error))
        if not attempts:
            return None
        if attempts < JobOptions.from_map(job.options).attempts:
            self._remember(job, frame)
            return GiveBack(f"frame {frame}: {error.reason}", delay_seconds=RETRY_SECONDS * attempts)
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the frame failed")
        if self._stores.frames.record_failed(job, frame, reason=error.reason):
            self._metrics.frame_failed()
            self._stop_job_in_vain(job)
        return None

    def _remember(self, job: Job, frame: int) -> None:
        since = self._now() - self._elsewhere_seconds
        with self._lock:
            recent = {key: at for key, at in self._failed_here.items() if at > since}
            self._failed_here = {**recent, (job.job_id, frame): self._now()}

    def _record(self, job: Job, frame: int, error: BlenderError) -> FailedAttempt:
        """The attempt as the frame's record keeps it; its log goes to the bucket before."""
        known = self._stores.frames.frame(job, frame)
        log_name = attempt_log(frame, (known.attempts if known else 0) + 1)
        self._stores.bucket.put_text(
            output_prefix(job.project, job.job_id) + log_name, f"{error.log}\n{error.reason}\n"
        )
        return FailedAttempt(
            token=uuid4().hex,
            kind=kind_of(error),
            reason=error.reason,
            worker=self._stores.frames.worker_id,
            at=timestamp(datetime.now(UTC)),
            log=log_name,
        )

    def _stop_job_in_vain(self, job: Job) -> None:
        progress = self._stores.frames.progress(job)
        options = JobOptions.from_map(job.options)
        reason = reason_to_stop(options, progress, lambda: self._stores.frames.frames(job))
        if reason and self._stores.jobs.stop_rendering(job.job_id, reason):
            log.error("job %s %s", job.job_id, reason)
