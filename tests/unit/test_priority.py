"""A job of high priority: its frames are on the queue that agents look at first, whoever sends them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.next_step import Step
from contract.routes import Route, route_of
from contract.settings import SweepSettings
from contract.tasks import BakeTask, FinishTask, RenderTask
from functions.settle_dead_letters.records import JobRecords
from functions.settle_dead_letters.settlement import Settlement
from functions.sweep_jobs.decision import OpenJob, Sighting
from functions.sweep_jobs.queues import TaskQueues
from functions.sweep_jobs.records import SweptRecords
from functions.sweep_jobs.sweep import Report, Sweep
from tests.support.agent import BAKE, FINISH, JOB_ID, Agent, agent_in
from tests.support.job_steps import retry
from worker_agent.tasks.outcome import Settled

HIGH: dict[str, Any] = {"frames": "1-2", "priority": "high"}
FRAMES = [RenderTask(JOB_ID, "1"), RenderTask(JOB_ID, "2")]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def baked(agent: Agent, options: dict[str, Any]) -> None:
    agent.upload(options=options, task_sent_at="2026", updated_at="2026-11-24T12:00:00.000Z")
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)


@pytest.mark.parametrize("options", [{}, {"priority": "normal"}, {"priority": "high"}])
def test_routes(options: dict[str, str]) -> None:
    frames = Route.URGENT if options.get("priority") == "high" else Route.RENDER
    assert route_of(RenderTask, options) is frames
    assert route_of(FinishTask, options) is Route.URGENT
    assert route_of(BakeTask, options) is Route.BAKE


def test_options_of_another_version_are_no_trouble() -> None:
    assert route_of(RenderTask, {"newer": "x", "priority": "high"}) is Route.URGENT


def test_the_baker_sends_its_frames_to_the_urgent_queue(agent: Agent) -> None:
    baked(agent, HIGH)
    assert agent.sent(agent.aws.render_queue_url) == []
    assert agent.sent(agent.aws.urgent_queue_url) == FRAMES
    agent.jobs.stop_rendering(JOB_ID, "broken")
    retry(agent)
    agent.bake(BAKE, agent.lease())
    assert agent.sent(agent.aws.urgent_queue_url) == FRAMES, "a retry does so, too"


def test_dead_letters_go_back_there(agent: Agent) -> None:
    baked(agent, HIGH)
    agent.sent(agent.aws.urgent_queue_url)
    settlement = Settlement(
        records=JobRecords(agent.aws.dynamodb, agent.aws.job_table_name),
        sqs=agent.aws.sqs,
        queue_urls={
            Route.URGENT: agent.aws.urgent_queue_url,
            Route.BAKE: agent.aws.bake_queue_url,
            Route.RENDER: agent.aws.render_queue_url,
        },
    )
    settlement.settle(FRAMES[0], "m")
    assert agent.sent(agent.aws.urgent_queue_url) == FRAMES[:1]
    assert agent.sent(agent.aws.render_queue_url) == []


@pytest.mark.parametrize(
    ("options", "queue"),
    [(HIGH, "urgent_queue_url"), ({"frames": "1-2"}, "render_queue_url")],
    ids=["high", "normal"],
)
def test_the_sweep_sends_lost_frames_there(agent: Agent, options: dict[str, Any], queue: str) -> None:
    baked(agent, options)
    agent.sent(agent.aws.urgent_queue_url)
    agent.sent(agent.aws.render_queue_url)
    aws = agent.aws
    settings = SweepSettings(
        job_table_name=aws.job_table_name,
        bake_queue_url=aws.bake_queue_url,
        render_queue_url=aws.render_queue_url,
        urgent_queue_url=aws.urgent_queue_url,
        stall_seconds=900,
    )
    queues = TaskQueues(aws.sqs, settings)
    sweep = Sweep(
        records=SweptRecords(aws.dynamodb, aws.job_table_name),
        queues=queues,
        stall_seconds=900,
        now=lambda: datetime(2026, 11, 24, 13, tzinfo=UTC),
        out_of_time=lambda: False,
    )
    counted = queues.count()
    assert counted.frames == 2, "held ones count, on whichever of the two queues they are"
    seen = OpenJob(job=agent.job, progress=sweep.records.progress(agent.job))
    assert counted.lacking([seen]) == frozenset()
    sweep.records.watch(agent.job, sighting(agent))
    report = Report()
    sweep._help(OpenJob(job=agent.job, progress=seen.progress), frozenset({Step.RENDER}), True, report)
    assert report.sent_again == [JOB_ID]
    assert agent.sent(getattr(aws, queue)) == FRAMES


def sighting(agent: Agent) -> Sighting:
    seen = OpenJob(job=agent.job, progress=agent.frames.progress(agent.job))
    return Sighting(mark=seen.mark, since=1)


def test_the_finish_follows_on_the_same_queue(agent: Agent) -> None:
    baked(agent, HIGH)
    agent.sent(agent.aws.urgent_queue_url)
    for frame in FRAMES:
        agent.render(frame, agent.lease())
    assert agent.sent(agent.aws.urgent_queue_url) == [FINISH]
