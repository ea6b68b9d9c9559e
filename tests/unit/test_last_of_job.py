"""Whether a job has ended is asked once, by the last of its tasks that a worker has in hand."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contract.job import Job
from tests.support.agent import FINISH, Agent, agent_in, rendering, task
from worker_agent.blender import BlenderKilled
from worker_agent.jobs.last_of_job import LastOfJob
from worker_agent.stores.frame_store import DoneFrame
from worker_agent.tasks.outcome import InterruptedTaskError, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def questions(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """For the sake of which frames it was asked, from now on."""
    asked: list[tuple[int, ...]] = []
    ask = agent.frames.has_ended

    def ask_and_tell(job: Job, frames: Sequence[int]) -> bool:
        asked.append(tuple(frames))
        return ask(job, frames)

    monkeypatch.setattr(agent.frames, "has_ended", ask_and_tell)
    return asked


def test_the_end_is_asked_about_by_the_last_task_in_hand_only(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendering(agent)
    asked = questions(agent, monkeypatch)
    rendered, go_on = threading.Event(), threading.Event()
    record = agent.frames.record_done

    def record_later(job: Job, done: Sequence[DoneFrame], **told: int) -> frozenset[int]:
        if done[0].frame == 2:
            rendered.set()
            assert go_on.wait(30)
        return record(job, done, **told)

    monkeypatch.setattr(agent.frames, "record_done", record_later)
    with ThreadPoolExecutor() as another:
        second = another.submit(agent.render, task("2"), agent.lease("second"))
        assert rendered.wait(30)
        assert isinstance(agent.render(task("1"), agent.lease("first")), Settled)
        assert asked == []
        go_on.set()
        assert isinstance(second.result(30), Settled)
    assert asked == [(2,)]
    assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]


def test_the_end_is_asked_about_for_each_job(agent: Agent) -> None:
    last, leases = LastOfJob(), [agent.lease() for _ in range(3)]
    with (
        last.task("a", leases[0]) as first,
        last.task("b", leases[1]) as other,
        last.task("a", leases[2]) as second,
    ):
        assert [first(), other(), second()] == [False, True, True]


def test_the_end_is_asked_about_when_who_would_have_asked_has_left(agent: Agent) -> None:
    last = LastOfJob()
    with last.task("a", agent.lease()) as first:
        with last.task("a", agent.lease()):
            pass
        assert first()


def test_the_end_is_asked_about_though_a_task_is_in_hand_that_was_taken_away(agent: Agent) -> None:
    last, taken_away = LastOfJob(), agent.lease()
    with last.task("a", agent.lease()) as first, last.task("a", taken_away):
        taken_away.let_go()
        assert first()


@pytest.mark.parametrize("task_is_over", [False, True])
def test_the_end_is_asked_about_by_one_that_was_relied_upon_and_then_taken_away(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, task_is_over: bool
) -> None:
    """The message came twice: whoever has the other asked before the first task's frames were recorded."""
    rendering(agent, "1-2")
    taken_away, start = agent.lease(), agent.sessions.open_for

    def meanwhile(job: Job, *arguments: Any, **named: Any) -> Any:
        """Frame 2 is done elsewhere and frame 1 here, while the Blender for frame 2 is waited for."""
        monkeypatch.setattr(agent.sessions, "open_for", start)
        for frame in (2, 1):
            agent.frames.record_failed(agent.job, frame, reason="given up")
        (taken_away._over if task_is_over else taken_away._lost).set()
        raise BlenderKilled("Blender was stopped by the farm.", "killed")

    monkeypatch.setattr(agent.sessions, "open_for", meanwhile)
    with pytest.raises(InterruptedTaskError):
        agent.render(task("2"), taken_away)
    assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]
