"""The queues of the farm, as an agent uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from contract.routes import Route
from contract.settings import AgentSettings
from worker_agent.services.clients import Clients
from worker_agent.tasks.claim import MOST_FRAMES
from worker_agent.tasks.task_queue import TaskQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentQueues:
    """What an agent takes tasks from and sends them to."""

    urgent: TaskQueue
    bake: TaskQueue
    render: TaskQueue
    dead_letters: TaskQueue

    @classmethod
    def of(cls, settings: AgentSettings, clients: Clients) -> Self:
        def queue(url: str, most: int = MOST_FRAMES) -> TaskQueue:
            return TaskQueue(clients.sqs, url, quick_sqs=clients.quick_sqs, most=most)

        return cls(
            urgent=queue(settings.urgent_queue_url),
            bake=queue(settings.bake_queue_url, most=1),
            render=queue(settings.render_queue_url),
            dead_letters=queue(settings.dead_letter_queue_url),
        )

    @property
    def routes(self) -> dict[Route, TaskQueue]:
        """In the order in which they are looked at."""
        return {Route.URGENT: self.urgent, Route.BAKE: self.bake, Route.RENDER: self.render}

    @property
    def tasks(self) -> tuple[TaskQueue, ...]:
        return tuple(self.routes.values())
