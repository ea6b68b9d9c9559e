"""A bake task: becomes the job's one baker, has its project prepared, and says what comes of that.

A retried job whose published project is still there is rendered from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from contract.frames import FrameRangeError
from contract.job import Job, JobState
from contract.options import JobOptions
from contract.routes import Route
from contract.tasks import BakeTask
from worker_agent.bake.inspection_verdict import MissingFilesError
from worker_agent.bake.preparation import Preparation, keep_bake_log
from worker_agent.bake.render_start import RenderStart
from worker_agent.blender import (
    BlenderError,
    BlenderKilled,
    DeviceUnavailable,
    SceneRejected,
)
from worker_agent.bundle import BundleRejectedError
from worker_agent.host.machine import Machine
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.stores import Stores
from worker_agent.stores.bucket import SourceGoneError
from worker_agent.stores.recorded_lease import recorded_end
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import GiveBack, InterruptedTaskError, Outcome, Settled, TaskOverError
from worker_agent.tasks.task_queue import LeaseLostError, TaskQueue

RETRY_SECONDS = 10
MAX_RUNTIME_ATTEMPTS = 5
RUNTIME_RETRY_SECONDS = 30
"""Without the Blender it needs, a job waits so long, then twice as long and so on: some 8 minutes in all."""
COPY_SECONDS = 1_800
"""A copy of a bake task waits this long: the longest bake must end before its receives are used up."""

_OWNERS_TO_MEND = (SceneRejected, BundleRejectedError, FrameRangeError, MissingFilesError)


class BakeTaskHandler:
    def __init__(
        self,
        *,
        stores: Stores,
        sessions: SceneSessions,
        turns: BlenderTurns,
        machine: Machine,
        queues: Mapping[Route, TaskQueue],
    ) -> None:
        self._stores = stores
        self._turns = turns
        self._machine = machine
        self._preparation = Preparation(stores=stores, sessions=sessions, machine=machine)
        self._start = RenderStart(stores=stores, queues=queues)

    def handle(self, task: BakeTask, lease: Lease) -> Outcome:
        """Raises InterruptedTaskError."""
        job = self._stores.jobs.job(task.job_id)
        if job is None:
            return Settled("its job is unknown")
        if _lacks_its_tasks(job):
            return self._start.send(job)  # its baker died between publishing and sending
        token = uuid4().hex
        if not self._claim(job, token, lease):
            current = self._stores.jobs.job(task.job_id)
            if current and current.state is JobState.BAKING:
                return GiveBack("another copy of the task is being worked on", delay_seconds=COPY_SECONDS)
            if current and _lacks_its_tasks(current):  # its baker loses its lease when this is settled
                return self._start.send(current)
            return Settled(f"its job is {current.state if current else 'gone'}")
        job = self._stores.jobs.job(task.job_id) or job  # as it was claimed
        try:
            self._machine.require_scratch()
            if self._is_published(job):
                return self._start.begin(job, token, lease, {"reason": ""})
            with self._turns.turn(lease):
                published = self._preparation.prepare(job, token, lease)
            return self._start.begin(job, token, lease, published)
        except (*_OWNERS_TO_MEND, SourceGoneError) as error:
            self._machine.blame(error, job.job_id)
            return self._fail(job, token, str(error), getattr(error, "log", ""))
        except BlenderKilled as error:
            if lease.over:
                self._stores.scratch.drop_bake(job.job_id, token)
            raise InterruptedTaskError(str(error)) from error
        except RuntimeUnavailableError as error:
            return self._wait_for_runtime(job, token, error)
        except DeviceUnavailable as error:
            return self._without_device(job, token, error)
        except BlenderError as error:
            self._machine.blame(error, job.job_id)
            attempts = self._stores.jobs.count_failed_bake(job.job_id)
            if attempts >= JobOptions.from_map(job.options).attempts:
                return self._fail(job, token, f"{error.reason} (tried {attempts} times)", error.log)
            return GiveBack(f"bake failed: {error.reason}", delay_seconds=RETRY_SECONDS * attempts)

    def _claim(self, job: Job, token: str, lease: Lease) -> bool:
        """Become the job's one baker, and stay it as long as the lease is renewed."""

        def renew() -> None:
            if not self._stores.jobs.renew_bake(job.job_id, token=token, lease_until=recorded_end(lease)):
                current = self._stores.jobs.job(job.job_id)
                if current is None or current.state.ended:
                    raise TaskOverError(f"job {job.job_id} is {current.state if current else 'gone'}")
                raise LeaseLostError(f"job {job.job_id} has another baker")

        claimed = self._stores.jobs.claim_bake(
            job.job_id, token=token, message_id=lease.message.id, lease_until=recorded_end(lease)
        )
        if claimed:
            lease.also_renew(renew)
        return claimed

    def _is_published(self, job: Job) -> bool:
        """Whether a run before this one left a prepared project that is still there."""
        if not job.baked_folder:
            return False
        try:
            return (self._stores.scratch.baked(job.job_id, job.baked_folder) / job.baked_blend).is_file()
        except PermissionError:  # a script of its own locked it
            return False

    def _wait_for_runtime(self, job: Job, token: str, error: RuntimeUnavailableError) -> Outcome:
        """Another worker may have it, or this one in a while. Meanwhile the record says what is wanting."""
        attempts = self._stores.jobs.count_runtime_failure(job.job_id, token=token, reason=error.reason)
        if attempts == 0:
            raise InterruptedTaskError("another baker has taken over, or the job has ended")
        if attempts >= MAX_RUNTIME_ATTEMPTS:
            return self._fail(job, token, f"{error.reason} (tried {attempts} times)", error.log)
        wait_seconds = max(RUNTIME_RETRY_SECONDS * 2 ** (attempts - 1), error.retry_seconds)
        return GiveBack(f"no Blender to bake with: {error.reason}", delay_seconds=wait_seconds)

    def _without_device(self, job: Job, token: str, error: DeviceUnavailable) -> Outcome:
        """One that should have it may be broken, and other frames of the job had it: wait for another."""
        if not self._machine.has_gpu() and not job.device:
            return self._fail(job, token, error.reason, error.log)
        return self._wait_for_runtime(job, token, RuntimeUnavailableError(error.reason, log=error.log))

    def _fail(self, job: Job, token: str, reason: str, blender_log: str) -> Outcome:
        if blender_log:
            keep_bake_log(self._stores.bucket, job, f"{blender_log}\n{reason}\n")
        if self._stores.jobs.fail_job(job.job_id, reason, token=token):
            self._stores.scratch.clear(job.job_id)
        return Settled(f"job {job.job_id} failed: {reason}")


def _lacks_its_tasks(job: Job) -> bool:
    return job.state is JobState.RENDERING and not job.frames_sent_at
