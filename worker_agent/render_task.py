"""Renders a task's frames: Blender, then the bucket, then the record."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from contract.failures import FailureKind
from contract.frames import parse_frames
from contract.job import FailedAttempt, FrameState, Job, JobState, timestamp
from contract.keys import frame_log_key
from contract.tasks import FinishTask, RenderTask
from worker_agent.blender import BlenderError, BlenderKilled, RenderedFrame
from worker_agent.lease import Lease
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import GiveBack, InterruptedTaskError, Outcome, Settled
from worker_agent.output_check import OutputChecker
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.scene_sessions import SceneSessions
from worker_agent.stores import Stores
from worker_agent.task_queue import TaskQueue

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
RETRY_SECONDS = 5
"""A failed frame waits this long for each attempt it has behind it."""
RUNTIME_RETRY_SECONDS = 60
"""A frame for which this worker has no Blender waits this long for another worker. When none has it, the
queue's last delivery ends the job, after some two hours."""
FRAME_SECONDS_LIMIT = 4 * 3600


class RenderTaskHandler:
    def __init__(
        self,
        *,
        stores: Stores,
        sessions: SceneSessions,
        checker: OutputChecker,
        finish_queue: TaskQueue,
        metrics: FrameMetrics,
    ) -> None:
        self._stores = stores
        self._sessions = sessions
        self._checker = checker
        self._finish_queue = finish_queue
        self._metrics = metrics

    def handle(self, task: RenderTask, lease: Lease) -> Outcome:
        """Render what is not done yet of the task's frames. Raises InterruptedTaskError."""
        job = self._stores.jobs.job(task.job_id)
        if job is None:
            return Settled("its job is unknown")
        if job.state is not JobState.RENDERING:
            return Settled(f"its job is {job.state}")
        frames = parse_frames(task.frames)
        left = [frame for frame in frames if not self._ended(job, frame)]
        while left:
            if given_back := self._render(job, left, lease):
                return given_back
        if self._stores.frames.has_ended(job, frames):
            self._finish_queue.send([FinishTask(job.job_id)])
        return Settled("its frames have ended")

    def _ended(self, job: Job, frame: int) -> bool:
        record = self._stores.frames.frame(job, frame)
        return record is not None and record.state is not FrameState.WAITING

    def _render(self, job: Job, left: list[int], lease: Lease) -> GiveBack | None:
        """Render and record frames, taking each that has ended off `left`, until one fails."""
        output = self._sessions.output_folder()
        completed = False
        try:
            session = self._sessions.open_for(
                job, self._stores.scratch.baked(job.job_id, job.baked_folder) / job.baked_blend
            )
            for rendered in session.render(
                tuple(left), output, timeout_seconds_per_frame=FRAME_SECONDS_LIMIT
            ):
                self._checker.check(rendered, output, session.frame_outputs)
                self._keep(job, rendered, output, lease, session.runtime_version)
                left.remove(rendered.frame)
            completed = True
        except BlenderKilled as error:
            raise InterruptedTaskError(str(error)) from error
        except RuntimeUnavailableError as error:
            self._stores.jobs.note_trouble(job.job_id, error.reason)
            why = f"no Blender to render with: {error.reason}"
            return GiveBack(why, delay_seconds=RUNTIME_RETRY_SECONDS)
        except BlenderError as error:
            return self._fail_attempt(job, left, error, lease)
        finally:
            if not completed:
                self._sessions.close()  # it may be in the middle of something, or broken
            shutil.rmtree(output, ignore_errors=True)
        return None

    def _keep(self, job: Job, rendered: RenderedFrame, output: Path, lease: Lease, blender: str) -> None:
        """Law 1: the files, then the record."""
        for name in rendered.files:
            self._stores.bucket.upload_frame_file(job, name, output / name, blender_version=blender)
        self._stores.bucket.put_text(frame_log_key(job.project, job.job_id, rendered.frame), rendered.log)
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the frame was uploaded")
        if self._stores.frames.record_done(
            job,
            rendered.frame,
            files=rendered.files,
            seconds=rendered.seconds,
            blender_version=blender,
        ):
            self._metrics.frame_done(rendered.seconds)
        for name in rendered.files:
            (output / name).unlink(missing_ok=True)

    def _fail_attempt(self, job: Job, left: list[int], error: BlenderError, lease: Lease) -> GiveBack | None:
        """Count a failed attempt at the frame that Blender was at: given back, or given up for good."""
        frame = error.frame if error.frame in left else left[0]
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the frame failed")
        log.warning("job %s frame %d failed: %s", job.job_id, frame, error.reason)
        self._stores.bucket.put_text(
            frame_log_key(job.project, job.job_id, frame), f"{error.log}\n{error.reason}\n"
        )
        failure = FailedAttempt(
            token=uuid4().hex,
            kind=FailureKind.BLENDER_ERROR,
            reason=error.reason,
            worker="",
            at=timestamp(datetime.now(UTC)),
        )
        attempts = self._stores.frames.add_failure(job, frame, failure)
        if 0 < attempts < MAX_ATTEMPTS:
            return GiveBack(f"frame {frame}: {error.reason}", delay_seconds=RETRY_SECONDS * attempts)
        if self._stores.frames.record_failed(job, frame, reason=error.reason):
            self._metrics.frame_failed()
        left.remove(frame)
        return None
