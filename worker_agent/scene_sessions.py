"""The one Blender that is open on this worker, and the scene that is open in it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from contract.job import Job
from contract.options import JobOptions
from worker_agent.blender import BlenderSession, Runtime
from worker_agent.outcome import InterruptedTaskError

START_SECONDS = 120
OPEN_SECONDS = 1_800


class SceneSessions:
    """Keeps a job's scene open from one frame to the next; another job's takes its place."""

    def __init__(self, runtime: Runtime, work_directory: Path) -> None:
        self._runtime = runtime
        self._work = work_directory
        self._session: BlenderSession | None = None
        self._scene: tuple[str, str] | None = None
        self._lock = threading.Lock()
        self._stopped = False

    @contextmanager
    def fresh(self) -> Iterator[BlenderSession]:
        """A Blender of its own, for a bake; ended with the block."""
        self.close()
        try:
            yield self._start()
        finally:
            self.close()

    def open_for(self, job: Job, blend: Path) -> BlenderSession:
        """The Blender in which this baked project is open. Raises BlenderError when it cannot be opened."""
        scene = (job.job_id, job.baked_folder)
        if self._session is None or self._scene != scene:
            self.close()
            session = self._start()
            options = JobOptions.from_map(job.options).for_blender()
            session.open(blend, options, timeout_seconds=OPEN_SECONDS, for_bake=False)
            self._scene = scene
            return session
        return self._session

    def close(self) -> None:
        """End the open Blender, if any, and clear what it left on this machine."""
        with self._lock:
            session, self._session, self._scene = self._session, None, None
        if session is not None:
            session.close()
        shutil.rmtree(self._work / "session", ignore_errors=True)

    def kill(self) -> None:
        """End the open Blender at once, from any thread: whoever waits for it sees BlenderKilled."""
        with self._lock:
            if self._session is not None:
                self._session.kill()

    def stop(self) -> None:
        """Kill, and start none any more."""
        self._stopped = True
        self.kill()

    def output_folder(self) -> Path:
        """A new empty folder on this machine for what frames produce."""
        folder = self._work / "output" / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def _start(self) -> BlenderSession:
        home = self._work / "session"
        home.mkdir(parents=True, exist_ok=True)
        session = BlenderSession.start(
            runtime=self._runtime,
            workdir=home,
            log_path=home / "blender.log",
            start_timeout_seconds=START_SECONDS,
        )
        with self._lock:
            self._session = session
        if self._stopped:
            session.kill()
            raise InterruptedTaskError("the worker is stopping")
        return session
