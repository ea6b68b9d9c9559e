"""The Blender that has inspected a project renders it, and what it renders is what another would have."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from contract.cage.probe import offered_options
from contract.job import Job
from contract.runtimes import RuntimeSpec
from tests.support.blender import SECONDS, copied_scene, render, same_picture
from tests.support.jobs import a_job
from tests.support.projects import project
from worker_agent.blender import BlenderSession
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.stores.scratch import Scratch

SPEC = RuntimeSpec(version=version("bpy"), path=sys.executable)
JOB_ID, TOKEN = "stamped", "1"


class Worker:
    def __init__(self, folder: Path, *, caged: bool = True) -> None:
        self.scratch = Scratch(folder / "scratch")
        self.project = self.scratch.begin_bake(JOB_ID, TOKEN)
        self.published = self.scratch.baked(JOB_ID, self.scratch.published_name(TOKEN))
        self.caged = caged
        cage = offered_options() if caged else None
        self.sessions = SceneSessions(BlenderShelf([SPEC], folder / "shelf"), folder / "work", cage=cage)
        self.build = ""

    def inspect(self, blend: Path) -> BlenderSession:
        """As a baker does whose scene needs no bake."""
        with self.sessions.fresh(
            SPEC, project=self.project, changes_it=False, published=self.published
        ) as session:
            session.open(blend, {}, SECONDS, asked_frames={}, scripts=self.caged)
            self.build = session.runtime_build
            self.scratch.publish(JOB_ID, TOKEN)
            self.sessions.keep(JOB_ID, self.published)
        return session

    @property
    def job(self) -> Job:
        return a_job(
            JOB_ID,
            blender_version=SPEC.version,
            blender_build=self.build,
            blender_form=str(SPEC.form),
            baked_folder=self.published.name,
            baked_blend="scene.blend",
        )


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    yield worker
    worker.sessions.close()


def test_its_frames_are_those_of_a_blender_that_opens_what_was_published(worker: Worker) -> None:
    """The picture shows the file's path, and a texture that is first read when its folder is renamed."""
    shutil.copytree(project("stamped"), worker.project, dirs_exist_ok=True)
    inspecting = worker.inspect(worker.project / "scene.blend")
    assert not worker.project.exists()
    pictures, pids = [], []
    for number in range(2):
        session = worker.sessions.open_for(worker.job, worker.published)
        pids.append(session.pid)
        folder = worker.sessions.frames_folder()
        (frame,) = render(session, [3], folder)
        kept = worker.published.parent / f"{number}.png"
        pictures.append(Path(shutil.copy(folder / frame.files[0], kept)))
        worker.sessions.close()
    assert pids[0] == inspecting.pid != pids[1]
    assert same_picture(*pictures)


def test_one_that_was_changed_for_a_bake_is_not_kept(worker: Worker) -> None:
    """Its viewport shows what renders show; a simulation that is ready needs no bake all the same."""
    worker.inspect(copied_scene("cloth", worker.project))
    assert not worker.sessions.scene_is_open


def test_where_there_is_no_cage_none_is_kept(tmp_path: Path) -> None:
    """There the project's folder would have another name in the middle of its rendering."""
    worker = Worker(tmp_path, caged=False)
    worker.inspect(copied_scene("plain", worker.project))
    assert not worker.sessions.scene_is_open
