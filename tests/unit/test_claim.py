"""What a worker takes on at once."""

from __future__ import annotations

import pytest

from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from worker_agent.tasks.claim import MOST_FRAMES, frames_at_once, join
from worker_agent.tasks.task_queue import Message


def received(*tasks: Task) -> list[tuple[Message, Task]]:
    return [(Message(str(number), f"receipt {number}", ""), task) for number, task in enumerate(tasks)]


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [(None, 1), (0.0, MOST_FRAMES), (0.05, MOST_FRAMES), (1.0, 5), (2.5, 2), (2.6, 1), (600, 1)],
)
def test_quick_frames_are_claimed_together_and_slow_ones_are_not(seconds: float | None, frames: int) -> None:
    assert frames_at_once(seconds) == frames


def test_frames_of_one_job_are_one_task() -> None:
    claim, left = join(
        received(RenderTask("a", "3"), RenderTask("a", "1-2"), RenderTask("a", "7")), most_frames=10
    )
    assert claim.task == RenderTask("a", "1-3,7")
    assert [message.id for message in claim.messages] == ["0", "1", "2"]
    assert left == ()


def test_what_is_another_jobs_or_too_much_is_left() -> None:
    tasks = received(
        RenderTask("a", "1"),
        RenderTask("b", "2"),
        FinishTask("a"),
        RenderTask("a", "4-6"),
        RenderTask("a", "3"),
    )
    claim, left = join(tasks, most_frames=2)
    assert claim.task == RenderTask("a", "1,3")
    assert [message.id for message in left] == ["1", "2", "3"]


@pytest.mark.parametrize("first", [BakeTask("a"), FinishTask("a"), RenderTask("a", "1-50")])
def test_a_task_that_is_enough_comes_alone_and_as_it_was(first: Task) -> None:
    claim, left = join(received(first, RenderTask("a", "60")), most_frames=10)
    assert claim.task is first
    assert [message.id for message in left] == ["1"]


def test_messages_are_found_by_their_frames() -> None:
    claim, _ = join(
        received(RenderTask("a", "3"), RenderTask("a", "1-2"), RenderTask("a", "7")), most_frames=10
    )
    assert [message.id for message in claim.of_frames((2, 7))] == ["1", "2"]
    assert claim.of_frames(()) == claim.messages
