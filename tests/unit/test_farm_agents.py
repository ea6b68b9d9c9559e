"""The fleet's agents, with real processes in the place of agents."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from contract.lifecycle import TERMINATED
from farm.local import agents, processes
from farm.local.agents import AgentPool
from farm.local.environment import MARKER
from farm.local.machines import TARGET_STATE, CompletedAction
from farm.local.metadata import MetadataServer
from farm.local.state import StateFolder

MakePool = Callable[..., AgentPool]
GOOD = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
BROKEN = "raise SystemExit(2)"
WITH_BLENDER = (
    "import os, subprocess, sys, time; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True, "
    "env={'TMPDIR': os.environ['WORK'] + '/blender'}); print('up', flush=True); time.sleep(60)"
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    state = StateFolder(tmp_path)
    state.prepare()
    yield state
    processes.kill_strays(state)


@pytest.fixture
def metadata() -> Iterator[MetadataServer]:
    server = MetadataServer()
    yield server
    server.stop()


@pytest.fixture
def make_pool(state: StateFolder, metadata: MetadataServer) -> MakePool:
    return partial(_make_pool, state, metadata)


def _make_pool(
    state: StateFolder,
    metadata: MetadataServer,
    program: str,
    heartbeat_seconds: float = 0,
    *,
    are_protected: bool = False,
    max_agents: int = 9,
) -> AgentPool:
    def environment(worker_id: str, folder: Path) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], MARKER: str(state.root), "WORK": str(folder), "WORKER": worker_id}

    return AgentPool(
        state=state,
        command=[sys.executable, "-c", program],
        environment=environment,
        metadata=metadata,
        tell=lambda _: None,
        max_agents=max_agents,
        new_are_protected=are_protected,
        heartbeat_seconds=heartbeat_seconds,
        grace_seconds=20,
    )


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def all_up(pool: AgentPool) -> None:
    logs = [pool.state.logs / f"agent-{agent.worker_id}.log" for agent in pool.agents]
    wait_for(lambda: all(log.exists() and "up" in log.read_text() for log in logs))


def test_as_many_as_wanted(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(GOOD)
    pool.step(2, 0)
    pool.step(2, 1)
    assert len(pool.at_work) == len(agents.running(state)) == 2
    assert len({agent.worker_id for agent in pool.agents}) == 2
    all_up(pool)
    _, last = pool.agents
    pool.step(1, 2)
    wait_for(lambda: len(agents.running(state)) == 1)
    pool.step(1, 3)
    assert pool.agents == [last], "the one that idled longest went"
    pool.stop_all(time.monotonic, time.sleep)
    assert agents.running(state) == []
    assert list(state.work.iterdir()) == []


def test_one_that_does_not_go_is_killed_after_the_grace(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(STUBBORN)
    pool.step(1, 0)
    all_up(pool)
    pool.step(0, 100)
    pool.step(0, 119)
    assert len(agents.running(state)) == 1
    pool.step(0, 120)
    wait_for(lambda: not agents.running(state))


def test_a_dead_agent_is_replaced_and_its_blender_does_not_outlive_it(
    state: StateFolder, make_pool: MakePool
) -> None:
    pool = make_pool(WITH_BLENDER)
    pool.step(1, 0)
    all_up(pool)
    dead = pool.agents[0]
    dead.process.kill()
    dead.process.wait()
    blender = list(processes._strays(state, state.work / dead.worker_id))
    assert len(blender) == 1
    pool.step(1, 1000)
    assert processes.identify(blender[0]) is None
    assert [agent.worker_id for agent in pool.agents] != [dead.worker_id]
    assert pool.short_lives == 0


def test_a_broken_agent_does_not_spin(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(BROKEN)
    starts = 0
    for second in range(100):
        before = pool.start_after
        pool.step(1, second)
        starts += len(pool.agents)
        for agent in pool.agents:
            agent.process.wait()
        assert pool.start_after >= before
    assert starts <= 8
    assert pool.short_lives == starts or pool.short_lives == starts - 1


def test_a_scale_in_waits_for_the_agents_word(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(GOOD, heartbeat_seconds=120)
    pool.step(1, 0)
    all_up(pool)
    (agent,) = pool.agents
    pool.step(0, 10)
    assert pool.metadata.machines.meta_data(agent.worker_id, TARGET_STATE) == TERMINATED
    pool.step(0, 11)
    assert (pool.at_work, agent.kill_at) == ([], None), "it may still be at its last frame"
    word = CompletedAction(worker_id=agent.worker_id, hook="h", group="g", result="CONTINUE")
    assert pool.metadata.machines.complete(word)
    pool.step(0, 12)
    assert agent.process.wait(10) == -signal.SIGTERM


def test_a_scale_in_waits_no_longer_than_the_heartbeat(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(GOOD, heartbeat_seconds=120)
    pool.step(1, 0)
    all_up(pool)
    (agent,) = pool.agents
    pool.step(0, 10)
    pool.step(0, 129)
    assert agent.kill_at is None
    pool.step(0, 130)
    assert agent.process.wait(10) == -signal.SIGTERM


def test_a_farm_that_goes_down_waits_for_no_word(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(GOOD, heartbeat_seconds=120)
    pool.step(2, 0)
    all_up(pool)
    pool.step(1, time.monotonic())
    began = time.monotonic()
    pool.stop_all(time.monotonic, time.sleep)
    assert time.monotonic() - began < 5
    assert agents.running(state) == []


def test_spot_takes_a_machine_back_whatever_it_does(state: StateFolder, make_pool: MakePool) -> None:
    pool = make_pool(STUBBORN)
    pool.step(1, 0)
    all_up(pool)
    (agent,) = pool.agents
    pool.metadata.notice_spot(agent.worker_id, 0)
    pool.step(1, 1)
    assert agent.process.wait(10) == -signal.SIGKILL
    pool.step(1, 2)
    assert len(pool.at_work) == 1, "another takes its place"
    assert pool.short_lives == 0


def test_a_protected_machine_waits_until_it_is_protected_no_more(make_pool: MakePool) -> None:
    pool = make_pool(GOOD, are_protected=True)
    machines = pool.metadata.machines
    pool.step(3, 0)
    all_up(pool)
    first, second, third = (agent.worker_id for agent in pool.agents)
    for now in range(1, 200):
        pool.step(1, now)
    assert len(pool.at_work) == 3, "all are busy: desired capacity fell, and termination waits"
    machines.protect([second], False)
    machines.protect([second], True)
    pool.step(1, 200)
    assert len(pool.at_work) == 3, "it found work in time"
    machines.protect([third], False)
    pool.step(1, 201)
    machines.protect([first], False)
    pool.step(1, 202)
    assert [agent.worker_id for agent in pool.at_work] == [second]
    pool.step(1, 203)
    assert [agent.worker_id for agent in pool.at_work] == [second], "one is desired, and there is one"
    pool.stop_all(time.monotonic, time.sleep)


def test_the_machine_that_idled_longest_goes_first(make_pool: MakePool) -> None:
    pool = make_pool(GOOD, are_protected=True)
    pool.step(3, 0)
    all_up(pool)
    ids = [agent.worker_id for agent in pool.agents]
    for worker_id in (ids[1], ids[2], ids[0], ids[1]):
        pool.metadata.machines.protect([worker_id], False)
    pool.step(1, 1)
    assert [agent.worker_id for agent in pool.at_work] == [ids[0]]
    pool.stop_all(time.monotonic, time.sleep)


def test_one_that_ends_itself_is_seen_off_and_not_replaced(state: StateFolder, make_pool: MakePool) -> None:
    """As the group has it: desired capacity is lower by one, and the machine waits for its agent's word."""
    pool = make_pool(GOOD, heartbeat_seconds=120, are_protected=True)
    pool.step(2, 0)
    all_up(pool)
    leaver, stayer = pool.agents
    pool.metadata.terminate(leaver.worker_id)
    pool.step(1, 1)
    assert (pool.at_work, leaver.kill_at) == ([stayer], None)
    word = CompletedAction(worker_id=leaver.worker_id, hook="h", group="g", result="CONTINUE")
    assert pool.metadata.machines.complete(word)
    pool.step(1, 2)
    assert leaver.process.wait(10) == -signal.SIGTERM
    pool.step(1, 3)
    assert pool.agents == [stayer]
    assert pool.short_lives == 0
    pool.stop_all(time.monotonic, time.sleep)


def test_a_machine_of_a_surplus_that_goes_anyway_is_counted_once(make_pool: MakePool) -> None:
    pool = make_pool(GOOD, heartbeat_seconds=120)
    pool.step(2, 0)
    all_up(pool)
    leaver, stayer = pool.agents
    pool.metadata.terminate(leaver.worker_id)
    pool.step(1, 1)
    assert pool.at_work == [stayer]
    pool.stop_all(time.monotonic, time.sleep)


def test_one_that_is_to_be_replaced_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool(GOOD, heartbeat_seconds=120)
    pool.step(1, 0)
    all_up(pool)
    pool.metadata.terminate(pool.agents[0].worker_id)
    pool.step(1, 1)
    assert (len(pool.agents), len(pool.at_work)) == (2, 1)
    pool.stop_all(time.monotonic, time.sleep)


def test_no_more_run_than_this_computer_has_and_the_others_wait(make_pool: MakePool) -> None:
    pool = make_pool(GOOD, heartbeat_seconds=120, max_agents=2)
    pool.step(20, 0)
    all_up(pool)
    assert len(pool.at_work) == 2
    pool.step(2, 1)
    assert len(pool.at_work) == 2, "those that wait went first"
    pool.stop_all(time.monotonic, time.sleep)
