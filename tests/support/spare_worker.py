"""A worker with one Blender that renders and one to spare, without a farm around it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path

from contract.cage.probe import offered_options
from contract.job import Job
from contract.runtimes import RuntimeSpec
from tests.support.blender import SECONDS, copied_scene, render, start_session
from tests.support.jobs import a_job
from tests.support.living import is_alive
from worker_agent.blender import BlenderSession
from worker_agent.cage.family import descendants
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.seats.spare_blender import SpareBlender
from worker_agent.stores.scratch import Scratch

SPEC = RuntimeSpec(version=version("bpy"), path=sys.executable)
TOKEN = "1"


class SpareWorker:
    def __init__(self, folder: Path, *, caged: bool = True) -> None:
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
            blender_build=build_here(),
            blender_form=str(SPEC.form),
            baked_folder=name,
            baked_blend="scene.blend",
        ), self.scratch.baked(job_id, name)

    def picture(self, session: BlenderSession, kept: Path) -> Path:
        folder = self.sessions.frames_folder()
        (rendered,) = render(session, [1], folder)
        return Path(shutil.copy(folder / rendered.files[0], kept))


@cache
def build_here() -> str:
    """What the bpy of this Python calls its build."""
    with tempfile.TemporaryDirectory() as folder, start_session(Path(folder)) as session:
        return session.runtime_build


def children() -> set[int]:
    """Of this process, the living."""
    threads = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for thread in threads for pid in thread.read_text().split() if is_alive(int(pid))}


def end_child(child: int) -> None:
    """Of a child of this process, with all its threads."""
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def caged_process(keeper: int) -> int:
    """The Blender of a spare: the last of its keeper's line."""
    return max(descendants(keeper))


def main(folder: str) -> None:
    """An agent with a spare, that tells who belongs to it and then does nothing."""
    worker = SpareWorker(Path(folder))
    keeper = worker.prepare()
    print(keeper, *descendants(keeper), flush=True)
    time.sleep(SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
