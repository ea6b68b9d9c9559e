"""The time-line of each interruption: a real agent, a real child in Blender's place, an emulated cloud."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from contract.job import FrameState, JobState
from contract.lifecycle import CONTINUE, TERMINATION_HOOK
from contract.tasks import BakeTask
from farm.local.machines import CompletedAction
from tests.faults.interrupted_agent import GROUP, Cloud, InterruptedAgent, an_agent
from worker_agent.__main__ import THREAD_DIED

AT_MOST_SECONDS = 5.0
"""From a notice until what was killed can be taken by another worker."""
NEVER = 300.0
"""Seconds that a frame takes which will not be done in time."""


def interrupt(agent: InterruptedAgent, how: str) -> None:
    metadata = agent.cloud.metadata
    if "spot" in how:
        metadata.notice_spot(agent.worker_id, 60)
    if "rebalance" in how:
        metadata.recommend_rebalance(agent.worker_id)
    if "scale-in" in how:
        metadata.terminate(agent.worker_id)
    if "sigterm" in how:
        agent.process.terminate()


def words_of(agent: InterruptedAgent) -> list[CompletedAction]:
    machines = agent.cloud.metadata.machines
    return [word for word in machines.completed + machines.refused if word.worker_id == agent.worker_id]


WAYS = ["spot", "rebalance", "scale-in", "spot and scale-in", "sigterm"]


@pytest.mark.parametrize("how", WAYS)
def test_a_frame_that_will_not_be_done_is_back_within_seconds(cloud: Cloud, how: str) -> None:
    with an_agent(cloud, {"1": NEVER}) as agent:
        agent.render("1")
        agent.until(lambda: agent.has_begun("1"))
        interrupt(agent, how)
        assert agent.until(agent.waits_for_a_worker) < AT_MOST_SECONDS
        assert agent.blender_is_gone()
        agent.until(lambda: agent.frame(1))
        record = agent.frame(1)
        assert record
        assert (record.state, record.interruptions, record.attempts) == (FrameState.WAITING, 1, 0)
        ends_well(agent, how)
        assert not agent.is_held()


@pytest.mark.parametrize("how", WAYS)
def test_a_frame_that_will_be_done_in_time_is_finished(cloud: Cloud, how: str) -> None:
    with an_agent(cloud, {"4": 3}) as agent:
        begin_a_frame_thought_quick(agent)
        interrupt(agent, how)
        agent.render("5")
        agent.until(lambda: words_of(agent) or not agent.is_held())
        record = agent.frame(4)
        assert record, "the group was told too early"
        assert (record.state, record.files) == (FrameState.DONE, ("0004.png",))
        assert record.interruptions == 0
        ends_well(agent, how)
        assert agent.waits_for_a_worker(), "nothing new was taken"
        assert (agent.is_held(), agent.has_begun("5"), agent.blender_is_gone()) == (False, False, True)


def begin_a_frame_thought_quick(agent: InterruptedAgent) -> None:
    """The fourth one, as those before it were."""
    agent.render("1-3")
    agent.until(lambda: agent.has_begun("3"))
    agent.render("4")
    agent.until(lambda: agent.has_begun("4"))


def ends_well(agent: InterruptedAgent, how: str) -> None:
    """The agent of a machine that is taken away waits for its end; one that is stopped ends."""
    if "sigterm" in how:
        assert agent.process.wait(10) == 0
        assert words_of(agent) == []
        return
    expected = []
    if "scale-in" in how:
        agent.until(lambda: words_of(agent))
        expected = [
            CompletedAction(worker_id=agent.worker_id, hook=TERMINATION_HOOK, group=GROUP, result=CONTINUE)
        ]
    time.sleep(1)
    assert agent.process.poll() is None, "systemd would start it again"
    assert agent.end() == 0
    assert words_of(agent) == expected
    assert agent.cloud.metadata.machines.refused == []


@pytest.mark.parametrize("how", ["spot", "sigterm"])
def test_each_of_several_blenders_lets_go(cloud: Cloud, how: str) -> None:
    pace = dict.fromkeys(("1", "2", "3"), NEVER)
    with an_agent(cloud, pace, variables={"FARM_BLENDER_SESSIONS": "2"}) as agent:
        for frame in ("1", "2", "3"):
            agent.render(frame)
        agent.until(lambda: sum(map(agent.has_begun, pace)) == 2)
        interrupt(agent, how)
        began = [frame for frame in pace if agent.has_begun(frame)]
        agent.until(lambda: all(agent.frame(int(frame)) for frame in began), AT_MOST_SECONDS)
        records = [agent.frame(int(frame)) for frame in began]
        assert [record and (record.interruptions, record.attempts) for record in records] == [(1, 0), (1, 0)]
        ends_well(agent, how)
        assert (agent.waits_for_a_worker(), agent.is_held()) == (True, False)
        assert sum(map(agent.has_begun, pace)) == 2, "there are no more Blenders than that"


def test_a_frame_that_was_thought_to_be_quick_is_killed_in_the_end(cloud: Cloud) -> None:
    """Of twelve seconds ten are for the upload."""
    with an_agent(cloud, {"4": NEVER}, stop_seconds=12) as agent:
        begin_a_frame_thought_quick(agent)
        agent.process.terminate()
        assert 1 < agent.until(agent.waits_for_a_worker) < 2 + AT_MOST_SECONDS
        assert agent.process.wait(10) == 0
        assert (record := agent.frame(4)) and record.interruptions == 1


@pytest.mark.parametrize("how", ["spot", "sigterm"])
def test_a_bake_is_given_back_at_once(cloud: Cloud, how: str) -> None:
    with an_agent(cloud, {"bake": NEVER}, baked=False) as agent:
        agent.send(BakeTask(agent.job_id))
        agent.until(lambda: agent.has_begun("bake"))
        interrupt(agent, how)
        assert agent.until(agent.waits_for_a_worker) < AT_MOST_SECONDS
        assert agent.blender_is_gone()
        agent.until(lambda: agent.job.interruptions == 1)
        assert (agent.job.state, agent.job.bake_attempts) == (JobState.BAKING, 0)
        ends_well(agent, how)


def test_a_scene_that_is_still_being_opened_is_given_back_at_once(cloud: Cloud) -> None:
    with an_agent(cloud, {"open": NEVER}) as agent:
        agent.render("1")
        agent.until(lambda: agent.has_begun("open"))
        agent.process.terminate()
        assert agent.until(agent.waits_for_a_worker) < AT_MOST_SECONDS
        assert agent.process.wait(10) == 0


def test_an_agent_that_lost_a_thread_ends(cloud: Cloud) -> None:
    """Whoever keeps it starts another."""
    program = (
        "import sys; from worker_agent.interruptions.watcher import NoticeWatcher as W; "
        "W.look = lambda self: 1 / 0; from worker_agent.__main__ import main; sys.exit(main())"
    )
    with an_agent(cloud, {}, program=("-c", program)) as agent:
        assert agent.process.wait(20) == THREAD_DIED
        said = agent.log.read_text()
        assert "notice-watcher has died" in said
        assert "ZeroDivisionError" in said


def test_an_agent_without_a_metadata_service_works(cloud: Cloud, tmp_path: Path) -> None:
    program = "import os, runpy; os.environ['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = 'http://127.0.0.1:1'; "
    program += "runpy.run_module('worker_agent', run_name='__main__')"
    with an_agent(cloud, {}, program=("-c", program)) as agent:
        agent.render("1")
        agent.until(lambda: (record := agent.frame(1)) and record.state is FrameState.DONE)
        assert agent.log.read_text().count("no notices can be heard") == 1
        assert agent.end() == 0
