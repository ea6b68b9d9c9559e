"""Steps in the life of a job, taken by an agent's parts: baked, canceled, retried, ended with failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from contract.job import JobState
from contract.job_actions import cancel_job, retry_job
from contract.tasks import BakeTask, FinishTask, RenderTask
from tests.support.agent import JOB_ID, Agent
from tests.support.obedient_blender import CLOTH
from worker_agent.blender import BlenderFailed
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import GiveBack, Settled

BAKE, FINISH = BakeTask(JOB_ID), FinishTask(JOB_ID)
FRAME_SECONDS = 1.5
"""What the obedient Blender says that each frame took."""


def task(frames: str) -> RenderTask:
    return RenderTask(JOB_ID, frames)


def write(agent: Agent, request: Callable[..., dict[str, Any]]) -> None:
    agent.aws.dynamodb.update_item(**request(table=agent.aws.job_table_name, job_id=JOB_ID, now="2026"))


def state(agent: Agent) -> str:
    return str(agent.job.state)


def cancel(agent: Agent) -> None:
    write(agent, cancel_job)


def retry(agent: Agent) -> None:
    write(agent, retry_job)


def baked(agent: Agent, frames: str = "1-4", **options: Any) -> None:
    agent.upload(options={"frames": frames, **options}, task_sent_at="2026")
    agent.blender.report = CLOTH
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    agent.sent(agent.aws.render_queue_url)


def ended_with_failures(agent: Agent, failed: int = 2) -> None:
    """Frames 1 to 4 have ended, one of them FAILED."""
    baked(agent, max_attempts=1)
    agent.blender.frame_errors = {failed: [BlenderFailed("crash", "x", "", failed)] * 20}
    for frame in range(1, 5):
        while isinstance(agent.render(task(str(frame)), agent.lease()), GiveBack):
            pass
    agent.blender.frame_errors = {}
    assert isinstance(agent.finish(FINISH, agent.lease()), Settled)
    assert agent.job.state is JobState.DONE_WITH_FAILURES
    agent.sent(agent.aws.urgent_queue_url)


def renewed(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renew a lease whose message is held."""
    monkeypatch.setattr(lease.queue, "extend", lambda *_: None)
    lease.renew()
