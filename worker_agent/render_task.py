"""Renders a task's frames: Blender, then the bucket, then the record."""

from __future__ import annotations

import logging
import shutil

from contract.frames import parse_frames
from contract.job import Job, JobState
from contract.tasks import FinishTask, RenderTask
from worker_agent.blender import (
    BlenderError,
    BlenderKilled,
    DeviceUnavailable,
)
from worker_agent.failed_attempts import YIELD_SECONDS, FailedAttempts
from worker_agent.frame_clock import FrameClock
from worker_agent.frame_keeper import FrameKeeper, FrameSource
from worker_agent.frame_output import take
from worker_agent.frame_times import FrameTimes
from worker_agent.lease import Lease
from worker_agent.lost_project import LostProject
from worker_agent.machine import Machine
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import GiveBack, InterruptedTaskError, Outcome, Settled, TaskOverError
from worker_agent.output_check import OutputChecker
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.scene_sessions import SceneSessions
from worker_agent.stores import Stores
from worker_agent.task_queue import TaskQueue

log = logging.getLogger(__name__)

RUNTIME_RETRY_SECONDS = 60
"""A frame for which this worker has no Blender, or not the job's device, waits this long for another worker.
When none has it, the sweep of waiting jobs ends the job (functions/sweep_jobs)."""


class RenderTaskHandler:
    def __init__(
        self,
        *,
        stores: Stores,
        sessions: SceneSessions,
        machine: Machine,
        checker: OutputChecker,
        finish_queue: TaskQueue,
        metrics: FrameMetrics,
        clock: FrameClock,
        attempts: FailedAttempts,
        lost: LostProject,
    ) -> None:
        self._stores = stores
        self._sessions = sessions
        self._machine = machine
        self._keeper = FrameKeeper(stores=stores, checker=checker, metrics=metrics)
        self._finish_queue = finish_queue
        self._clock = clock
        self._attempts = attempts
        self._lost = lost
        self._times = FrameTimes(stores.frames)

    def handle(self, task: RenderTask, lease: Lease) -> Outcome:
        """Render what is not done yet of the task's frames. Raises InterruptedTaskError."""
        job = self._stores.jobs.job(task.job_id)
        if job is None:
            return Settled("its job is unknown")
        if job.state is not JobState.RENDERING:
            return Settled(f"its job is {job.state}")
        lease.also_renew(lambda: self._check_wanted(job))
        frames = parse_frames(task.frames)
        left = [frame for frame in frames if not self._ended(job, frame)]
        if any(self._attempts.is_for_others(job, frame) for frame in left):
            return GiveBack("left to other workers, for this one failed it", delay_seconds=YIELD_SECONDS)
        if left:
            self._machine.require_scratch()  # a project on a file system that is away is not lost
            if lost := self._lost.outcome(job):
                return lost
        while left:
            if given_back := self._render(job, left, lease):
                return given_back
        if self._stores.frames.has_ended(job, frames):
            self._finish_queue.send([FinishTask(job.job_id)])
        return Settled("its frames have ended")

    def _check_wanted(self, job: Job) -> None:
        """Raises TaskOverError when the job is not rendered any more, or anew: that has tasks of its own."""
        now = self._stores.jobs.job(job.job_id)
        if now is None or now.state is not JobState.RENDERING or now.baked_folder != job.baked_folder:
            raise TaskOverError(f"job {job.job_id} is {now.state if now else 'gone'}")

    def _ended(self, job: Job, frame: int) -> bool:
        record = self._stores.frames.frame(job, frame)
        return record is not None and record.ended

    def _render(self, job: Job, left: list[int], lease: Lease) -> GiveBack | None:
        """Render and record frames, taking each that has ended off `left`, until one fails."""
        taken = self._sessions.output_folder()
        completed = False
        self._clock.turn_to(None)
        self._clock.begin(None)  # nobody knows how long it takes to open a scene
        try:
            session = self._sessions.open_for(job, self._stores.scratch.baked(job.job_id, job.baked_folder))
            written, source = self._sessions.frames_folder(), FrameSource.of(session)
            self._clock.turn_to(left[0])
            self._clock.begin(self._times.expected_seconds(job))
            for rendered in session.render(
                tuple(left), written, timeout_seconds_per_frame=self._times.limit_seconds(job)
            ):
                self._clock.end()  # its upload is waited for
                self._clock.has_rendered(job.job_id, rendered.seconds)
                if len(left) > 1:
                    self._clock.turn_to(left[1])  # Blender is at it already
                take(rendered, written, taken)
                self._keeper.keep(job, rendered, taken, source, lease)
                self._times.add(job, rendered.seconds)
                left.remove(rendered.frame)
                self._clock.begin(self._times.expected_seconds(job))
            completed = True
        except BlenderKilled as error:
            raise InterruptedTaskError(str(error)) from error
        except RuntimeUnavailableError as error:
            self._stores.jobs.note_trouble(job.job_id, error.reason)
            why = f"no Blender to render with: {error.reason}"
            return GiveBack(why, delay_seconds=RUNTIME_RETRY_SECONDS)
        except DeviceUnavailable as error:
            self._machine.blame(error, job.job_id)
            self._stores.jobs.note_trouble(job.job_id, error.reason)
            return GiveBack(f"no such device: {error.reason}", delay_seconds=RUNTIME_RETRY_SECONDS)
        except BlenderError as error:
            self._machine.blame(error, job.job_id)
            return self._fail(job, left, error, lease)
        finally:
            self._clock.end()
            self._clock.turn_to(None)
            if not completed:
                self._sessions.close()  # it may be in the middle of something, or broken
            shutil.rmtree(taken, ignore_errors=True)
        return None

    def _fail(self, job: Job, left: list[int], error: BlenderError, lease: Lease) -> GiveBack | None:
        """The frame that Blender was at has failed: given back, or off `left` for good."""
        frame = error.frame if error.frame in left else left[0]
        given_back = self._attempts.take(job, frame, error, lease)
        if given_back is None:
            left.remove(frame)
        return given_back
