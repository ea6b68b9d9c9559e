"""Renders a task's frames: Blender, then the bucket, then the record."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from contract.frames import parse_frames
from contract.job import Job, JobState
from contract.tasks import FinishTask, RenderTask
from worker_agent.blender import (
    BlenderError,
    BlenderKilled,
    DeviceUnavailable,
)
from worker_agent.frames.failed_attempts import RETRY_SECONDS, YIELD_SECONDS, FailedAttempts
from worker_agent.frames.frame_keeper import FrameKeeper, FrameSource, Keeping, folder_of
from worker_agent.frames.frame_output import take
from worker_agent.frames.frame_times import FrameTimes
from worker_agent.frames.lost_project import LostProject
from worker_agent.frames.wanted_frames import WantedFrames
from worker_agent.host.machine import Machine
from worker_agent.jobs.last_of_job import LastOfJob
from worker_agent.output_check import OutputChecker
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.seat import Seat
from worker_agent.seats.turn_meter import TurnMeter
from worker_agent.stores import Stores
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError, Outcome, Settled, TaskOverError
from worker_agent.tasks.task_queue import TaskQueue
from worker_agent.telemetry.metrics import FrameMetrics

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
        turns: BlenderTurns,
        machine: Machine,
        checker: OutputChecker,
        finish_queue: TaskQueue,
        metrics: FrameMetrics,
        attempts: FailedAttempts,
        lost: LostProject,
    ) -> None:
        self._stores = stores
        self._sessions = sessions
        self._turns = turns
        self._machine = machine
        self._keeper = FrameKeeper(stores=stores, checker=checker, metrics=metrics)
        self._finish_queue = finish_queue
        self._attempts = attempts
        self._lost = lost
        self._times = FrameTimes(stores.frames)
        self._wanted = WantedFrames(stores)
        self._last = LastOfJob()

    def handle(self, task: RenderTask, lease: Lease) -> Outcome:
        """Render what is not done yet of the task's frames. Raises InterruptedTaskError."""
        with self._last.task(task.job_id, lease) as is_last:
            try:
                return self._handle(task, lease, is_last)
            except InterruptedTaskError:
                if lease.lost or lease.over:  # who counted on this one to ask has not
                    self._end_if_all_have_ended(task.job_id, is_last)
                raise

    def _end_if_all_have_ended(self, job_id: str, is_last: Callable[[], bool]) -> None:
        try:
            job = self._stores.jobs.job(job_id)
            if (
                job
                and job.state is JobState.RENDERING
                and is_last()
                and self._stores.frames.has_ended(job, [])
            ):
                self._finish_queue.send([FinishTask(job_id)])
        except Exception:  # the sweep sees it later
            log.exception("could not ask whether job %s has ended", job_id)

    def _handle(self, task: RenderTask, lease: Lease, is_last: Callable[[], bool]) -> Outcome:
        frames = parse_frames(task.frames)
        job, ended = self._wanted.look(task.job_id, frames)
        if job is None:
            return Settled("its job is unknown")
        if job.state is not JobState.RENDERING:
            return Settled(f"its job is {job.state}")
        lease.also_renew(lambda: self._check_wanted(job))
        left = [frame for frame in frames if frame not in ended]
        returned = {frame: _FOR_OTHERS for frame in left if self._attempts.is_for_others(job, frame)}
        left = [frame for frame in left if frame not in returned]
        if left:
            self._machine.require_scratch()  # a project on a file system that is away is not lost
            if lost := self._lost.outcome(job):
                return lost
        while left:
            if given_back := self._render(job, left, returned, lease):
                return replace(given_back, frames=(*left, *returned))
        ours = [frame for frame in frames if frame not in returned]
        if is_last() and self._stores.frames.has_ended(job, ours):
            self._finish_queue.send([FinishTask(job.job_id)])
        return _together(returned) if returned else Settled("its frames have ended")

    def _check_wanted(self, job: Job) -> None:
        """Raises TaskOverError when the job is not rendered any more, or anew: that has tasks of its own."""
        now = self._stores.jobs.job(job.job_id)
        if now is None or now.state is not JobState.RENDERING or now.baked_folder != job.baked_folder:
            raise TaskOverError(f"job {job.job_id} is {now.state if now else 'gone'}")

    def _render(
        self, job: Job, left: list[int], returned: dict[int, GiveBack], lease: Lease
    ) -> GiveBack | None:
        """Render and record frames until one fails. Each that has ended is taken off `left`, and each that
        goes back, which is then `returned`. Gives the outcome when all that are left go back."""
        taken, seats = self._sessions.output_folder(), list[Seat]()
        problems: list[BlenderError | RuntimeUnavailableError] = []
        try:
            with Keeping(self._keeper, job=job, folder=taken, lease=lease) as keeping:
                try:
                    self._render_in_turn(job, tuple(left), taken, keeping, lease, seats)
                except (BlenderError, RuntimeUnavailableError) as error:
                    problems.append(error)
                kept, spoiled = keeping.finish()
        finally:
            shutil.rmtree(taken, ignore_errors=True)
        if spoiled:
            for seat in seats:
                seat.sessions.distrust()
        for rendered in kept:
            left.remove(rendered.frame)
        for problem in (*spoiled, *problems):
            if given_back := self._meet(problem, job, left, returned, lease):
                return given_back
        return None

    def _render_in_turn(
        self,
        job: Job,
        frames: tuple[int, ...],
        taken: Path,
        keeping: Keeping,
        lease: Lease,
        seats: list[Seat],
    ) -> None:
        """Wait for Blender, have it render the frames, and take each out of its hands to have it kept.

        The seat where it is open is added to `seats`.
        """
        self._times.look(job)
        limit = self._times.limit_seconds(job)
        project = self._stores.scratch.baked(job.job_id, job.baked_folder)
        with self._turns.turn(lease, job) as seat:
            seats.append(seat)
            completed, clock = False, seat.clock
            clock.turn_to(None)
            clock.begin(None)  # nobody knows how long it takes to open a scene
            try:
                session = seat.sessions.open_for(job, project, sessions=self._turns.sessions)
                written = seat.sessions.frames_folder()
                source, meter = FrameSource.of(session, sessions=self._turns.sessions), TurnMeter(session)
                clock.turn_to(frames[0])
                clock.begin(self._times.expected_seconds(job), frames_after=len(frames) - 1)
                for rendered in session.render(frames, written, timeout_seconds_per_frame=limit):
                    clock.has_rendered(job.job_id, rendered.seconds)
                    meter.add(rendered.seconds)
                    self._times.add(job, rendered.seconds)
                    coming = frames[frames.index(rendered.frame) + 1 :]
                    if coming:
                        clock.turn_to(coming[0])  # Blender is at it already
                        clock.begin(self._times.expected_seconds(job), frames_after=len(coming) - 1)
                    else:
                        clock.end()
                    take(rendered, written, folder_of(taken, rendered))
                    keeping.add(rendered, source)
                self._turns.measured(lease, job, meter)
                completed = True
            finally:
                clock.end()
                clock.turn_to(None)
                if not completed:
                    seat.sessions.close()  # it may be in the middle of something, or broken

    def _meet(
        self,
        error: BlenderError | RuntimeUnavailableError,
        job: Job,
        left: list[int],
        returned: dict[int, GiveBack],
        lease: Lease,
    ) -> GiveBack | None:
        """What follows from an error: the outcome for all that is left, or one frame less that is left."""
        if isinstance(error, BlenderKilled):
            raise InterruptedTaskError(str(error)) from error
        if isinstance(error, RuntimeUnavailableError):
            self._stores.jobs.note_trouble(job.job_id, error.reason)
            return GiveBack(f"no Blender to render with: {error.reason}", RUNTIME_RETRY_SECONDS)
        self._machine.blame(error, job.job_id)
        if isinstance(error, DeviceUnavailable):
            self._stores.jobs.note_trouble(job.job_id, error.reason)
            return GiveBack(f"no such device: {error.reason}", RUNTIME_RETRY_SECONDS)
        frame = error.frame if error.frame in left else left[0]  # the one that Blender was at
        if error.crowded_out:  # law 4: it is tried with fewer, and counts when it was alone
            note = f"frame {frame}, beside too many others: {error.reason}"
            returned[frame] = GiveBack(note, RETRY_SECONDS)
        elif given_back := self._attempts.take(job, frame, error, lease):
            returned[frame] = given_back
        left.remove(frame)
        return None


_FOR_OTHERS = GiveBack("left to other workers, for this one failed it", YIELD_SECONDS)


def _together(returned: Mapping[int, GiveBack]) -> GiveBack:
    notes = dict.fromkeys(given_back.note for given_back in returned.values())
    delay_seconds = max(given_back.delay_seconds for given_back in returned.values())
    return GiveBack("; ".join(notes), delay_seconds, tuple(returned))
