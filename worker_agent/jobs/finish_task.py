"""Ends a job: the preview, the summary, the scratch folder, the last state."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from uuid import uuid4

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState, Progress
from contract.keys import summary_key
from contract.tasks import FinishTask
from worker_agent.preview import Made, PreviewMaker
from worker_agent.services.patience import impatient
from worker_agent.stores import Stores
from worker_agent.stores.recorded_lease import recorded_end
from worker_agent.tasks.lease import BlenderUse, Lease
from worker_agent.tasks.outcome import GiveBack, Outcome, Settled
from worker_agent.tasks.task_queue import LeaseLostError

log = logging.getLogger(__name__)


class FinishTaskHandler:
    """One finisher is elected, as a baker is. Every step can be done again: one that dies is followed by
    another, to whom its message comes.
    """

    def __init__(
        self, *, stores: Stores, preview: PreviewMaker, tell_usage: Callable[[], object] = lambda: None
    ) -> None:
        """`tell_usage` writes what this worker was used for until now."""
        self._stores = stores
        self._preview = preview
        self._tell_usage = tell_usage

    def handle(self, task: FinishTask, lease: Lease) -> Outcome:
        """Raises InterruptedTaskError."""
        lease.blender_use = BlenderUse.AFTER  # it needs none, and another task may have it meanwhile
        job = self._stores.jobs.job(task.job_id)
        if job is None:
            return Settled("its job is unknown")
        if job.state not in (JobState.RENDERING, JobState.FINISHING):
            return Settled(f"its job is {job.state}")
        progress = self._stores.frames.progress(job)
        if not progress.complete:
            return Settled(f"only {progress.done + progress.failed} of {progress.total} frames have ended")
        token = uuid4().hex
        if not self._claim(job, token, lease):
            return Settled("somebody else sums its job up, or it has ended")
        state = self._sum_up(job, progress, token, lease)
        if state is None:
            return GiveBack("somebody else sums its job up by now", delay_seconds=lease.seconds)
        return Settled(f"job {job.job_id} is {state}")

    def _claim(self, job: Job, token: str, lease: Lease) -> bool:
        """Become the job's one finisher, and stay it as long as the lease is renewed."""

        def renew() -> None:
            if not self._renew(job, token, lease):
                raise LeaseLostError(f"job {job.job_id} has another finisher or has ended")

        claimed = self._stores.jobs.claim_finish(
            job, token=token, message_id=lease.message.id, lease_until=recorded_end(lease)
        )
        if claimed:
            lease.also_renew(renew)
        return claimed

    def _sum_up(self, job: Job, progress: Progress, token: str, lease: Lease) -> JobState | None:
        """Make the preview, write the summary, clear the scratch folder, end the job.

        None as soon as it is another's to do.
        """
        frames = sorted(self._stores.frames.frames(job), key=lambda record: record.frame)
        state = JobState.DONE_WITH_FAILURES if progress.failed else JobState.DONE
        reason = _reason(frames)
        if not self._renew(job, token, lease):
            return None
        made = self._preview.make(job, frames, lease)
        self._keep_last_picture(job, frames)
        if not self._renew(job, token, lease):
            return None
        self._tell_usage()
        job = self._stores.jobs.job(job.job_id) or job
        self._stores.bucket.put_text(
            summary_key(job.project, job.job_id),
            _summary(job, state, reason, progress, frames, made),
            content_type="application/json",
        )
        if not self._renew(job, token, lease):
            return None
        if state is JobState.DONE:
            self._stores.scratch.clear(job.job_id)  # else a retry of the failed frames need not bake again
        ended = self._stores.jobs.end_job(
            job.job_id,
            state,
            progress,
            reason,
            token=token,
            made=made.files,
            preview_note=" ".join(made.notes),
        )
        return state if ended else None

    def _keep_last_picture(self, job: Job, frames: list[FrameRecord]) -> None:
        """For pages and terminals that show the job when its small pictures are past their time."""
        done = [record for record in frames if record.state is FrameState.DONE]
        if not done:
            return
        last = max(done, key=lambda record: (record.ended_at, record.frame))
        try:
            with impatient():
                self._stores.bucket.keep_thumbnail(job, last)
        except Exception as error:
            log.warning(
                "the picture of frame %d of %s goes with the others: %s", last.frame, job.job_id, error
            )

    def _renew(self, job: Job, token: str, lease: Lease) -> bool:
        """Whether this is still the finisher."""
        return not lease.lost and self._stores.jobs.renew_finish(
            job.job_id, token=token, lease_until=recorded_end(lease)
        )


def _reason(frames: list[FrameRecord]) -> str:
    failed = [record for record in frames if record.state is FrameState.FAILED]
    if not failed:
        return ""
    named = ", ".join(str(record.frame) for record in failed[:20]) + (", …" if len(failed) > 20 else "")
    return f"{len(failed)} of {len(frames)} frames could not be rendered ({named}): {failed[0].reason}"


def _summary(
    job: Job, state: JobState, reason: str, progress: Progress, frames: list[FrameRecord], made: Made
) -> str:
    """The text of job.json: what was asked, what Blender said of the scene, and every frame."""
    return json.dumps(
        {
            "job_id": job.job_id,
            "project": job.project,
            "name": job.name,
            "source": {"bucket": job.bucket, "key": job.source_key, "version": job.source_version},
            "state": str(state),
            "reason": reason,
            "created_at": job.created_at,
            "options": dict(job.options),
            "blender": {
                "version": job.blender_version,
                "build": job.blender_build,
                "form": job.blender_form,
            },
            "device": job.device,
            "device_note": job.device_note,
            "scene": dict(job.scene),
            "frames_done": progress.done,
            "frames_failed": progress.failed,
            "made": list(made.files),
            "preview_notes": list(made.notes),
            "worker_seconds": job.worker_seconds,
            "spot_seconds": job.spot_seconds,
            "dollars": None if job.worker_seconds and not job.microdollars else job.dollars,
            "frames": [asdict(record) for record in frames],
        },
        indent=1,
        ensure_ascii=False,
        default=float,
    )
