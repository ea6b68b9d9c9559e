"""The Blender that an idle worker has ready: what it renders, what it sees, and what it is not fit for."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.runtimes import RuntimeSpec
from tests.support.blender import SECONDS, copied_scene, same_picture
from tests.support.living import is_alive, wait_until
from tests.support.projects import project
from tests.support.spare_worker import SPEC, TOKEN, SpareWorker, caged_process, end_child
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.seats.spare_blender import USELESS


def mounts(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/mountinfo").read_text().splitlines()


def seen(pid: int, folder: Path) -> set[str]:
    """The names of all that a process sees below this folder, but for that of all jobs."""
    below = Path(f"/proc/{pid}/root{folder}/jobs").rglob("*")
    return {path.name for path in below}


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[SpareWorker]:
    worker = SpareWorker(tmp_path)
    yield worker
    worker.sessions.end()


def test_the_spare_renders_the_next_project_as_any_other_would(worker: SpareWorker, tmp_path: Path) -> None:
    """The picture shows the file's path; and once it has a project it is no spare for another."""
    job, published = worker.publish("stamped", project("stamped"))
    pictures, pids = [], []
    for spare in (True, False):
        ready = worker.prepare() if spare else 0
        session = worker.sessions.open_for(job, published)
        assert (session.pid == ready) is spare
        pids.append(session.pid)
        pictures.append(worker.picture(session, tmp_path / f"{spare}.png"))
        worker.sessions.close()
        assert not is_alive(session.pid)
    assert same_picture(*pictures)
    assert pids[0] != pids[1]


def test_it_sees_its_own_project_alone_and_cannot_change_it(worker: SpareWorker) -> None:
    worker.publish("other")
    worker.prepare()
    job, published = worker.publish("own")
    session = worker.sessions.open_for(job, published)
    inside = caged_process(session.pid)
    assert seen(inside, worker.projects) == {"own", published.name, "scene.blend"}
    (mount,) = [line for line in mounts(inside) if line.split()[4] == str(published)]
    assert {"ro", "nosuid", "nodev"} <= set(mount.split()[5].split(","))
    worker.sessions.close()
    assert (published / "scene.blend").is_file(), "clearing its cell has not reached the project"


def test_another_job_ends_the_last_ones_blender_and_takes_the_next_spare(worker: SpareWorker) -> None:
    sessions = []
    for number in range(3):
        ready = worker.prepare()
        job, published = worker.publish(f"job-{number}")
        sessions.append(worker.sessions.open_for(job, published))
        assert sessions[-1].pid == ready
        assert [is_alive(session.pid) for session in sessions] == [*[False] * number, True]
        assert len([cell for place in ("session", "spare") for cell in (worker.work / place).glob("*")]) == 1


def test_an_inspection_takes_it_and_a_bake_does_not(worker: SpareWorker) -> None:
    ready = worker.prepare()
    folder = worker.scratch.begin_bake("new", TOKEN)
    blend = copied_scene("plain", folder)
    with worker.sessions.fresh(SPEC, project=folder, changes_it=True) as session:
        assert session.pid != ready
        assert not is_alive(ready), "it has the machine alone"
    ready = worker.prepare()
    published = worker.scratch.baked("new", worker.scratch.published_name(TOKEN))
    with worker.sessions.fresh(SPEC, project=folder, changes_it=False, published=published) as session:
        assert session.pid == ready
        session.open(blend, {}, SECONDS, asked_frames={}, scripts=True)
        worker.scratch.publish("new", TOKEN)
        worker.sessions.keep("new", published)
    assert worker.sessions.scene_is_open


@pytest.mark.parametrize(
    "why", ["another release", "it has died", "it is stuck", "its keeper has died", "elsewhere"]
)
def test_what_it_is_not_fit_for_is_opened_by_a_new_one(
    worker: SpareWorker, tmp_path: Path, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    caplog.set_level("INFO")
    ready = worker.prepare()
    job, published = worker.publish("a")
    if why == "another release":
        worker.spare.expect(RuntimeSpec(version="4.2.0", path=sys.executable))
    elif why == "it has died":
        os.kill(caged_process(ready), signal.SIGKILL)
        assert wait_until(lambda: not is_alive(ready), SECONDS)
    elif why == "it is stuck":
        os.kill(caged_process(ready), signal.SIGSTOP)
    elif why == "its keeper has died":
        os.kill(ready, signal.SIGKILL)
    else:
        published = Path(shutil.copytree(published, tmp_path / "elsewhere"))
    session = worker.sessions.open_for(job, published)
    assert session.pid != ready
    assert not is_alive(ready)
    assert USELESS in caplog.text, "whoever counts on it hears that it has gone"
    assert worker.picture(session, tmp_path / "a.png").stat().st_size


def test_the_build_that_a_job_is_bound_to_is_looked_at(worker: SpareWorker) -> None:
    worker.prepare()
    job, published = worker.publish("a")
    with pytest.raises(RuntimeUnavailableError, match="bound to the build 0815"):
        worker.sessions.open_for(replace(job, blender_build="0815"), published)


def test_after_one_that_was_of_no_use_there_is_a_pause(worker: SpareWorker) -> None:
    os.kill(worker.prepare(), signal.SIGKILL)
    worker.sessions.open_for(*worker.publish("a"))
    with pytest.raises(RuntimeUnavailableError, match="the last one was of no use"):
        worker.spare.prepare()
    assert worker.prepare()


@pytest.mark.parametrize("dies", [False, True])
def test_where_there_is_no_cage_there_is_a_spare_all_the_same(tmp_path: Path, dies: bool) -> None:
    worker = SpareWorker(tmp_path, caged=False)
    ready = worker.prepare()
    if dies:
        end_child(ready)
    job, published = worker.publish("a")
    session = worker.sessions.open_for(job, published)
    assert (session.pid == ready) is not dies
    assert worker.picture(session, tmp_path / "a.png").stat().st_size
    worker.sessions.end()
    assert not is_alive(session.pid)
