"""The Blender that an idle worker has ready: what it renders, what it sees, and when there is none."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from contract.cage.probe import offered_options
from contract.job import Job
from contract.runtimes import RuntimeSpec
from tests.support.blender import SECONDS, copied_scene, fake_runtime, render, same_picture, start_session
from tests.support.jobs import a_job
from tests.support.living import is_alive, wait_until
from tests.support.projects import project
from worker_agent.blender import BlenderDied, BlenderKilled, BlenderSession
from worker_agent.cage.family import descendants
from worker_agent.outcome import InterruptedTaskError
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.scratch import Scratch
from worker_agent.seats.blender_start import BlenderStart
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.spare_blender import FREE_BYTES, USELESS, SpareBlender

SPEC = RuntimeSpec(version=version("bpy"), path=sys.executable)
TOKEN = "1"


class Worker:
    def __init__(self, folder: Path, build: str, *, caged: bool = True) -> None:
        self.build = build
        self.work, self.projects = folder / "work", folder / "scratch"
        self.scratch = Scratch(self.projects)
        self.sessions = SceneSessions(
            BlenderShelf([SPEC], folder / "shelf"),
            self.work,
            cage=offered_options() if caged else None,
            projects=self.projects,
        )

    @property
    def spare(self) -> SpareBlender:
        assert self.sessions.spare
        return self.sessions.spare

    def prepare(self) -> int:
        """Have a spare; its process id, or its keeper's."""
        before = children()
        self.spare.prepare()
        (new,) = children() - before
        return new

    def publish(self, job_id: str, source: Path | None = None) -> tuple[Job, Path]:
        """A job whose project is published, and where."""
        folder = self.scratch.begin_bake(job_id, TOKEN)
        if source:
            shutil.copytree(source, folder, dirs_exist_ok=True)
        else:
            copied_scene("plain", folder).rename(folder / "scene.blend")
        name = self.scratch.publish(job_id, TOKEN)
        return a_job(
            job_id,
            blender_version=SPEC.version,
            blender_build=self.build,
            blender_form=str(SPEC.form),
            baked_folder=name,
            baked_blend="scene.blend",
        ), self.scratch.baked(job_id, name)

    def picture(self, session: BlenderSession, kept: Path) -> Path:
        folder = self.sessions.frames_folder()
        (rendered,) = render(session, [1], folder)
        return Path(shutil.copy(folder / rendered.files[0], kept))


def children() -> set[int]:
    """Of this process, the living."""
    threads = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for thread in threads for pid in thread.read_text().split() if is_alive(int(pid))}


def end(child: int) -> None:
    """Of a child of this process, with all its threads."""
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def caged_process(keeper: int) -> int:
    """The Blender of a spare: the last of its keeper's line."""
    return max(descendants(keeper))


def mounts(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/mountinfo").read_text().splitlines()


def seen(pid: int, folder: Path) -> set[str]:
    """The names of all that a process sees below this folder, but for that of all jobs."""
    below = Path(f"/proc/{pid}/root{folder}/jobs").rglob("*")
    return {path.name for path in below}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the bpy of this Python calls its build."""
    with start_session(tmp_path_factory.mktemp("build")) as session:
        return session.runtime_build


@pytest.fixture
def worker(tmp_path: Path, build: str) -> Iterator[Worker]:
    worker = Worker(tmp_path, build)
    yield worker
    worker.sessions.end()


def test_the_spare_renders_the_next_project_as_any_other_would(worker: Worker, tmp_path: Path) -> None:
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


def test_it_sees_its_own_project_alone_and_cannot_change_it(worker: Worker) -> None:
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


def test_another_job_ends_the_last_ones_blender_and_takes_the_next_spare(worker: Worker) -> None:
    sessions = []
    for number in range(3):
        ready = worker.prepare()
        job, published = worker.publish(f"job-{number}")
        sessions.append(worker.sessions.open_for(job, published))
        assert sessions[-1].pid == ready
        assert [is_alive(session.pid) for session in sessions] == [*[False] * number, True]
        assert len([cell for place in ("session", "spare") for cell in (worker.work / place).glob("*")]) == 1


def test_an_inspection_takes_it_and_a_bake_does_not(worker: Worker) -> None:
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
    worker: Worker, tmp_path: Path, caplog: pytest.LogCaptureFixture, why: str
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


def test_the_build_that_a_job_is_bound_to_is_looked_at(worker: Worker) -> None:
    worker.prepare()
    job, published = worker.publish("a")
    with pytest.raises(RuntimeUnavailableError, match="bound to the build 0815"):
        worker.sessions.open_for(replace(job, blender_build="0815"), published)


def test_after_one_that_was_of_no_use_there_is_a_pause(worker: Worker) -> None:
    os.kill(worker.prepare(), signal.SIGKILL)
    worker.sessions.open_for(*worker.publish("a"))
    with pytest.raises(RuntimeUnavailableError, match="the last one was of no use"):
        worker.spare.prepare()
    assert worker.prepare()


def test_how_bubblewrap_ends_is_how_blender_ended(worker: Worker) -> None:
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


def test_a_worker_that_has_to_go_starts_none(worker: Worker) -> None:
    start = BlenderStart(BlenderShelf([SPEC], worker.work / "shelf"), stopped=lambda: True)
    spare = SpareBlender(start, place=worker.work / "other", projects=worker.projects)
    with pytest.raises(InterruptedTaskError):
        spare.prepare()


def test_the_next_jobs_is_started_while_the_one_before_it_renders(worker: Worker) -> None:
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


def test_where_memory_is_short_there_is_none(worker: Worker) -> None:
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


def test_one_that_has_died_is_replaced_and_one_that_is_there_is_kept(worker: Worker) -> None:
    first = worker.prepare()
    worker.spare.prepare()
    assert is_alive(first)
    end(first)
    assert worker.prepare() != first


@pytest.mark.parametrize("dies", [False, True])
def test_where_there_is_no_cage_there_is_a_spare_all_the_same(tmp_path: Path, build: str, dies: bool) -> None:
    worker = Worker(tmp_path, build, caged=False)
    ready = worker.prepare()
    if dies:
        end(ready)
    job, published = worker.publish("a")
    session = worker.sessions.open_for(job, published)
    assert (session.pid == ready) is not dies
    assert worker.picture(session, tmp_path / "a.png").stat().st_size
    worker.sessions.end()
    assert not is_alive(session.pid)


def test_it_ends_with_an_agent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", __name__, str(tmp_path)]
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


def main(folder: str) -> None:
    """An agent with a spare, that tells who belongs to it and then does nothing."""
    worker = Worker(Path(folder), "")
    keeper = worker.prepare()
    print(keeper, *descendants(keeper), flush=True)
    time.sleep(SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
