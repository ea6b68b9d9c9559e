"""Lets a prepared job be rendered: its frames wait, its record says so, and their tasks are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract.frames import parse_frames
from contract.job import FrameState, Job
from contract.routes import Route, route_of
from contract.tasks import FinishTask, RenderTask
from worker_agent.stores import Stores
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError, Outcome, Settled
from worker_agent.tasks.task_queue import TaskQueue


class RenderStart:
    """For the job's baker, the first time and at each retry. Every step can be done again."""

    def __init__(self, *, stores: Stores, queues: Mapping[Route, TaskQueue]) -> None:
        self._stores = stores
        self._queues = queues

    def begin(self, job: Job, token: str, lease: Lease, published: Mapping[str, Any]) -> Outcome:
        """Set a job to RENDERING with what was published, and send its frames. Raises InterruptedTaskError.

        Frames are reopened before: while the job bakes nobody renders or ends it, so neither is a frame
        given up anew taken for one of the run before, nor can the job end among half of them.
        """
        for record in self._stores.frames.frames(job):
            if record.state is not FrameState.DONE and (record.failures or record.ended):
                if lease.lost:
                    raise InterruptedTaskError("the lease was lost while frames were reopened")
                self._stores.frames.reopen(job, record, bake_token=token)
        if not self._stores.jobs.begin_rendering(job.job_id, token=token, published=published):
            raise InterruptedTaskError("another baker has taken over, or the job has ended")
        lease.also_renew(None)  # what was renewed is over: the job bakes no more
        rendering = self._stores.jobs.job(job.job_id)
        assert rendering is not None  # it was there a line ago, and records are not deleted
        return self.send(rendering, rendered_before=bool(job.shards))

    def send(self, job: Job, *, rendered_before: bool = True) -> Outcome:
        """Send a task for each frame that has not ended, or the finish when all have.

        Frames sent twice are rendered once: their records say so. Of a job that was never rendered there are
        none, and no shard is read in vain.
        """
        records = self._stores.frames.frames(job) if rendered_before else ()
        ended = {record.frame for record in records if record.ended}
        left = [frame for frame in parse_frames(job.frames) if frame not in ended]
        queue = self._queues[route_of(RenderTask, job.options)]
        queue.send(RenderTask(job.job_id, str(frame)) for frame in left)
        if not left:
            self._queues[route_of(FinishTask, job.options)].send([FinishTask(job.job_id)])
        self._stores.jobs.mark_frames_sent(job)
        return Settled(f"{len(left)} of {job.frame_count} frames of job {job.job_id} are queued")
