"""Who does which task."""

from __future__ import annotations

from collections.abc import Callable

from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from worker_agent.agent_queues import AgentQueues
from worker_agent.bake.bake_task import BakeTaskHandler
from worker_agent.frames.failed_attempts import FailedAttempts
from worker_agent.frames.lost_project import LostProject
from worker_agent.frames.render_task import RenderTaskHandler
from worker_agent.guarded_handler import GuardedHandler
from worker_agent.host.machine import Machine
from worker_agent.jobs.finish_task import FinishTaskHandler
from worker_agent.output_check import OutputChecker
from worker_agent.preview import PreviewMaker
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.stores import Stores
from worker_agent.task_runner import Handler
from worker_agent.telemetry.metrics import FrameMetrics


def task_handlers(
    *,
    stores: Stores,
    queues: AgentQueues,
    sessions: SceneSessions,
    turns: BlenderTurns,
    machine: Machine,
    checker: OutputChecker,
    metrics: FrameMetrics,
    lease_seconds: float,
    leaving: Callable[[], bool],
    tell_usage: Callable[[], object],
) -> dict[type[Task], Handler]:
    """`sessions` are those of the first seat: a bake has the machine alone."""
    baking = BakeTaskHandler(
        stores=stores, sessions=sessions, turns=turns, machine=machine, queues=queues.routes
    )
    rendering = RenderTaskHandler(
        stores=stores,
        sessions=sessions,
        turns=turns,
        machine=machine,
        checker=checker,
        finish_queue=queues.urgent,
        metrics=metrics,
        attempts=FailedAttempts(stores=stores, metrics=metrics, elsewhere_seconds=lease_seconds / 2),
        lost=LostProject(stores=stores, bake_queue=queues.bake),
    )
    finishing = FinishTaskHandler(
        stores=stores,
        preview=PreviewMaker(stores.bucket, folder=sessions.output_folder, leaving=leaving),
        tell_usage=tell_usage,
    )
    handlers: dict[type[Task], Handler] = {
        BakeTask: baking.handle,
        RenderTask: rendering.handle,
        FinishTask: finishing.handle,
    }
    return {
        task: GuardedHandler(handle, machine=machine, jobs=stores.jobs) for task, handle in handlers.items()
    }
