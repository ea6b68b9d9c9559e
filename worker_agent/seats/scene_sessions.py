"""The one Blender that is open on this worker, and the scene that is open in it."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from contract.devices import Device
from contract.job import Job
from contract.options import JobOptions
from contract.runtimes import RuntimeSpec
from worker_agent.blender import BlenderDied, BlenderKilled, BlenderSession
from worker_agent.cage import Cell
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.runtimes.selection import choose_runtime, read_needs
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.blender_start import BlenderStart, View
from worker_agent.seats.open_scene import OpenScene
from worker_agent.seats.spare_blender import SpareBlender
from worker_agent.tasks.outcome import InterruptedTaskError

log = logging.getLogger(__name__)

OPEN_SECONDS = 1_800


class SceneSessions:
    """Keeps a job's scene open from one frame to the next; another job's takes its place.

    Each job has the Blender that it is bound to. What starts one raises RuntimeUnavailableError when
    that cannot be installed or started here, or is not the one that the job is bound to.
    """

    def __init__(
        self,
        shelf: BlenderShelf,
        work_directory: Path,
        *,
        cage: frozenset[str] | None = None,
        stopped: Callable[[], bool] = lambda: False,
        projects: Path | None = None,
    ) -> None:
        """`cage` are the options of this machine's bubblewrap (contract.cage.probe); None: there is no cage,
        and no script of a file runs. While `stopped()`, no Blender is started: what asks for one raises
        InterruptedTaskError. With the folder of all `projects` there can be a spare one for them.
        """
        self._shelf = shelf
        self._start = BlenderStart(shelf, cage=cage, stopped=stopped)
        self._work = work_directory
        place = work_directory.absolute() / "spare"
        self.spare = SpareBlender(self._start, place=place, projects=projects) if projects else None
        self._cell = Cell(work_directory.absolute() / "session")
        self._session: BlenderSession | None = None
        self._scene: OpenScene | None = None
        self._begun_at = 0.0
        self._published: Path | None = None
        """The path under which the open Blender sees a project that was not published when it started."""
        self._lock = threading.Lock()

    def choose(self, blend: Path, wanted_version: str | None) -> RuntimeSpec:
        """The Blender of this farm that renders the file. Raises SceneRejected."""
        return choose_runtime(read_needs(blend), wanted_version, self._shelf.specs)

    def bound(self, job: Job) -> RuntimeSpec:
        """The Blender of the frames that a job has. Raises RuntimeUnavailableError."""
        return self._shelf.find(job.blender_version, job.blender_form)

    def scripts_run(self, options: JobOptions) -> bool:
        """Whether the Python of a job's file runs: in a cage it does, unless the job says no."""
        return self._start.cage is not None and options.allow_scripts is not False

    @contextmanager
    def fresh(
        self,
        spec: RuntimeSpec,
        build: str | None = None,
        *,
        project: Path,
        changes_it: bool,
        published: Path | None = None,
    ) -> Iterator[BlenderSession]:
        """A Blender of its own, of this build if one is given, for a project; ended with the block, or kept.
        In a cage, one that changes nothing sees it under the path that it will be `published` as."""
        self.close()
        try:
            yield self._begin(spec, build, View(project=project, changes_it=changes_it, published=published))
        finally:
            if not self.scene_is_open:
                self.close()

    def keep(self, job_id: str, published: Path) -> None:
        """Let the Blender that has inspected a project render it, now that it is published.

        It is not kept if it could show anything else than one that is opened anew.
        """
        if self._session and self._session.is_as_loaded and self._published == published:
            self._has_opened(self._session, job_id, published.name)

    def open_for(self, job: Job, project: Path, *, sessions: int = 1) -> BlenderSession:
        """The Blender in which this baked project is open, on the device that the job is bound to.

        One that has grown meanwhile, beside others that share its memory (so many `sessions` in all), is
        opened anew: no attempt at a frame is lost by that.
        Raises BlenderError when it cannot be opened: DeviceUnavailable without that device.
        """
        session, scene = self._session, self._scene
        if session and scene and scene.is_of(job) and not scene.is_worn(sessions):
            return session
        began = time.monotonic()
        self.close()
        closing_seconds = time.monotonic() - began
        spec = self._shelf.find(job.blender_version, job.blender_form)
        session = self._begin(spec, job.blender_build, View(project=project))
        self._begun_at -= closing_seconds
        options = JobOptions.from_map(job.options)
        session.open(
            project / job.baked_blend,
            options.for_blender(),
            timeout_seconds=OPEN_SECONDS,
            for_bake=False,
            scripts=self.scripts_run(options),
            bound_device=job.device or Device.CPU,  # all that there was before it was recorded
        )
        self._has_opened(session, job.job_id, job.baked_folder)
        return session

    def will_be_worn(self, sessions: int) -> bool:
        """Whether the open scene will be opened anew after the task that it is at. Safe from any thread."""
        with self._lock:
            scene = self._scene
        return scene is not None and scene.will_be_worn(sessions)

    def foresee(self, job: Job | None) -> None:
        """This job is next here, or without one a bake: have the Blender started that it will need, while the
        one before it renders. Never raises."""
        if self.spare is None:
            return
        try:
            if job:
                self.spare.expect(self.bound(job))
            self.spare.prepare()
        except (RuntimeUnavailableError, BlenderKilled, InterruptedTaskError, OSError) as error:
            log.warning("no Blender is started ahead: %s", error)

    def close(self) -> None:
        """End the open Blender, if any, and clear what it left on this machine."""
        with self._lock:
            session, self._session, self._scene = self._session, None, None
        self._published = None
        if session is not None:
            session.close()
        self._cell.clear()

    def end(self) -> None:
        """End the open Blender and the spare one, and clear what they left on this machine."""
        if self.spare:
            self.spare.close(for_good=True)
        self.close()

    def clear_leftovers(self) -> None:
        """End all Blenders here and remove all that this worker's Blenders ever left on this machine."""
        self.close()
        if self.spare:
            self.spare.close()
        shutil.rmtree(self._work / "output", ignore_errors=True)

    @property
    def scene_is_open(self) -> bool:
        """Whether a Blender is ready for frames, or at them. Safe to ask from any thread."""
        with self._lock:
            return self._scene is not None

    def kill(self) -> bool:
        """End the open Blender at once, from any thread: whoever waits for it sees BlenderKilled.

        False when there is none.
        """
        with self._lock:
            if self._session is not None:
                self._session.kill()
            return self._session is not None

    def frames_folder(self) -> Path:
        """A new empty folder that the open Blender can write a task's frames to, gone with it.

        Raises BlenderDied, which counts, when a script of the scene has locked the way to it.
        """
        try:
            return self._cell.new_frames_folder()
        except OSError as error:
            reason = f"The scene has made the folder for its frames unusable ({error.strerror})."
            raise BlenderDied(reason, "spoiled_folder") from error

    def output_folder(self) -> Path:
        """A new empty folder on this machine that no Blender sees."""
        folder = self._work / "output" / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    def distrust(self) -> None:
        """Have the scene that is open opened anew before its next frames, from any thread."""
        with self._lock:
            if self._scene:
                self._scene.distrust()

    def _has_opened(self, session: BlenderSession, job_id: str, folder: str) -> None:
        took = time.monotonic() - self._begun_at
        scene = OpenScene(session, job_id=job_id, folder=folder, opening_seconds=took)
        with self._lock:
            self._scene = scene

    def _begin(self, spec: RuntimeSpec, build: str | None, view: View) -> BlenderSession:
        """A Blender that has this project in view, of this build if one is given: the spare if it fits."""
        self._begun_at = time.monotonic()
        self._go_on()
        taken = self.spare.take(spec, build, view, instead_of=self._cell) if self.spare else None
        if taken:
            session, self._cell = taken.session, taken.cell
            self._begun_at -= taken.start_seconds
        else:
            session = self._start.with_project(spec, build, self._cell, view)
        with self._lock:
            self._session = session
        if self.spare:
            self.spare.expect(spec)
        self._published = view.published if self._start.cage and not view.changes_it else None
        self._go_on()
        return session

    def _go_on(self) -> None:
        try:
            self._start.go_on()
        except InterruptedTaskError:
            self.kill()
            self.close()
            raise
