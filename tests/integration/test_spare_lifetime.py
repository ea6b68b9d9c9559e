"""When a spare Blender is started, and that it is never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.runtimes import RuntimeSpec
from tests.support.blender import SECONDS, fake_runtime, render
from tests.support.living import is_alive, wait_until
from tests.support.spare_worker import SPEC, SpareWorker, caged_process, children, end_child
from worker_agent.blender import BlenderDied, BlenderKilled
from worker_agent.cage.family import descendants
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.blender_start import BlenderStart
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.spare_blender import FREE_BYTES, SpareBlender
from worker_agent.tasks.outcome import InterruptedTaskError


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[SpareWorker]:
    worker = SpareWorker(tmp_path)
    yield worker
    worker.sessions.end()


def test_how_bubblewrap_ends_is_how_blender_ended(worker: SpareWorker) -> None:
    """Its keeper passes that on."""
    worker.prepare()
    session = worker.sessions.open_for(*worker.publish("a"))
    os.kill(descendants(session.pid)[0], signal.SIGKILL)
    with pytest.raises(BlenderDied) as caught:
        render(session, [1], worker.sessions.frames_folder())
    assert caught.value.code == "out_of_memory", "or whoever kills with this signal"


def test_an_agent_that_ends_waits_for_no_spare_that_hangs(tmp_path: Path) -> None:
    hanging = RuntimeSpec(version="4.5.0", path=str(fake_runtime(tmp_path / "fake", "never_ready").path))
    sessions = SceneSessions(
        BlenderShelf([hanging], tmp_path / "shelf"), tmp_path / "work", projects=tmp_path / "scratch"
    )
    assert sessions.spare
    spare, ended = sessions.spare, list[BaseException]()

    def prepare() -> None:
        try:
            spare.prepare()
        except BlenderKilled as error:
            ended.append(error)

    before = children()
    thread = threading.Thread(target=prepare)
    thread.start()
    assert wait_until(lambda: len(children()) > len(before), SECONDS)
    began = time.monotonic()
    sessions.end()
    thread.join(SECONDS)
    assert time.monotonic() - began < SECONDS / 4
    assert len(ended) == 1
    spare.prepare()
    assert children() == before, "it has ended for good"


def test_a_worker_that_has_to_go_starts_none(worker: SpareWorker) -> None:
    start = BlenderStart(BlenderShelf([SPEC], worker.work / "shelf"), stopped=lambda: True)
    spare = SpareBlender(start, place=worker.work / "other", projects=worker.projects)
    with pytest.raises(InterruptedTaskError):
        spare.prepare()


def test_the_next_jobs_is_started_while_the_one_before_it_renders(worker: SpareWorker) -> None:
    jobs = [worker.publish(name) for name in ("before", "next")]
    rendering = worker.sessions.open_for(*jobs[0])
    before = children()
    worker.sessions.foresee(jobs[1][0])
    (ready,) = children() - before
    assert is_alive(rendering.pid)
    assert worker.sessions.open_for(*jobs[1]).pid == ready
    assert not is_alive(rendering.pid)
    worker.sessions.foresee(replace(jobs[0][0], blender_version="1.2.3"))  # which this worker has not
    assert children() == before - {rendering.pid} | {ready}


def test_where_memory_is_short_there_is_none(worker: SpareWorker) -> None:
    start = BlenderStart(BlenderShelf([SPEC], worker.work / "shelf"))
    free = [FREE_BYTES - 1]
    spare = SpareBlender(start, place=worker.work / "other", projects=worker.projects, free_bytes=free.pop)
    before = children()
    spare.prepare()
    assert children() == before
    free.append(FREE_BYTES)
    spare.prepare()
    assert len(children()) == len(before) + 1
    spare.close()


def test_one_that_has_died_is_replaced_and_one_that_is_there_is_kept(worker: SpareWorker) -> None:
    first = worker.prepare()
    worker.spare.prepare()
    assert is_alive(first)
    end_child(first)
    assert worker.prepare() != first


def test_it_ends_with_an_agent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.support.spare_worker", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout
        pids = [int(pid) for pid in agent.stdout.readline().split()]
        assert len(pids) > 2, "a keeper, bubblewrap, Blender"
        os.kill(caged_process(pids[0]), signal.SIGSTOP)  # by itself it does nothing about it
        agent.kill()
        try:
            assert wait_until(lambda: not any(map(is_alive, pids)), SECONDS / 4)
        finally:
            for pid in filter(is_alive, pids):
                os.kill(pid, signal.SIGKILL)
