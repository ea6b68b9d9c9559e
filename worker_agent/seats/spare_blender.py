"""The Blender that an idle worker has ready: the next project that comes need not wait for one to start."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from contract.runtimes import RuntimeSpec
from worker_agent.blender import BlenderError, BlenderSession
from worker_agent.cage import Cell, HatchError
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.runtimes.identity import check_identity
from worker_agent.runtimes.selection import newest
from worker_agent.seats.blender_start import BlenderStart, View

log = logging.getLogger(__name__)

READY: Final = "is ready for the next project"
TAKEN: Final = "is given a project"
USELESS: Final = "is of no use"
PATIENCE_SECONDS: Final = 5.0
"""With one that is starting: one that hangs is waited for no longer by a task."""
FREE_BYTES: Final = 2 * 1024**3
"""Of memory that a machine has to have left, or a Blender that nobody may need would be in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    spec: RuntimeSpec
    session: BlenderSession
    start_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    session: BlenderSession
    cell: Cell
    start_seconds: float
    """What its start took, when nobody waited for it."""


class SpareBlender:
    """At most one, of the release that was used last. It has seen no stranger's file, and in its cage there
    is no job's folder; it is shown one project, renders that, and is never a spare again.
    """

    def __init__(
        self,
        start: BlenderStart,
        *,
        place: Path,
        projects: Path,
        free_bytes: Callable[[], int] = lambda: psutil.virtual_memory().available,
    ) -> None:
        """`place` is for its cell alone; `projects` the folder below which projects have their paths."""
        self._start = start
        self._cell = Cell(place)
        self._projects = projects.absolute()
        self._free_bytes = free_bytes
        self._changing = threading.Lock()
        """Held while one is started: whoever needs it waits, mostly for less than another start."""
        self._starting: BlenderSession | None = None
        self._ready: _Ready | None = None
        self._likely: RuntimeSpec | None = None
        self._useless = ""
        """Why the last one was of no use."""
        self._is_over = False

    def expect(self, spec: RuntimeSpec) -> None:
        """The next project will most likely need this one, as the last did."""
        self._likely = spec

    @property
    def memory_is_short(self) -> bool:
        return self._free_bytes() < FREE_BYTES

    def prepare(self) -> None:
        """Start one, unless it is there or memory is short. What a thread starts in a cage ends with it.

        Raises RuntimeUnavailableError, also once after one was of no use; BlenderKilled, when it was closed
        meanwhile; InterruptedTaskError, OSError.
        """
        with self._changing:
            spec, ready = self._wanted(), self._ready
            if spec is None or (ready and ready.spec == spec and not ready.session.has_ended):
                return
            self._end()
            if self.memory_is_short or self._is_over:
                return
            if self._useless:
                useless, self._useless = self._useless, ""
                raise RuntimeUnavailableError(f"the last one was of no use: {useless}")
            began = time.monotonic()
            try:
                session = self._start.without_project(spec, self._cell, self._projects, self._has_begun)
            finally:
                self._starting = None
            took = time.monotonic() - began
            self._ready = _Ready(spec=spec, session=session, start_seconds=took)
        log.info("Blender %s %s, started in %.1f s", spec, READY, took)

    def take(self, spec: RuntimeSpec, build: str | None, view: View, *, instead_of: Cell) -> Taken | None:
        """The spare, with its project in view, and its cell; None when there is none that fits: it is ended.

        The cell `instead_of` is where the next spare will live.
        """
        if view.changes_it or spec != self._wanted() or not view.seen_as.is_relative_to(self._projects):
            if self._ready:
                log.info("the spare Blender %s for this project and is ended", USELESS)
            self.close()
            return None
        if not self._changing.acquire(timeout=PATIENCE_SECONDS):
            return None
        try:
            ready, self._ready = self._ready, None
            if ready is None:
                return None
            if ready.spec != spec or not self._shows(ready, build, view):
                ready.session.close()
                return None
            taken = Taken(session=ready.session, cell=self._cell, start_seconds=ready.start_seconds)
            self._cell = instead_of
        finally:
            self._changing.release()
        log.info("the spare Blender %s", TAKEN)
        return taken

    def close(self, *, for_good: bool = False) -> None:
        """End the spare, also one that is starting, and clear what any has left on this machine."""
        self._is_over = self._is_over or for_good
        if starting := self._starting:
            starting.kill()
        with self._changing:
            self._end()

    def _has_begun(self, session: BlenderSession) -> None:
        self._starting = session
        if self._is_over:  # `close` has not seen it
            session.kill()

    def _end(self) -> None:
        ready, self._ready = self._ready, None
        if ready:
            ready.session.close()
        self._cell.clear()

    def _shows(self, ready: _Ready, build: str | None, view: View) -> bool:
        session = ready.session
        try:
            check_identity(ready.spec, build, version=session.runtime_version, build=session.runtime_build)
            session.show(view.project, view.seen_as)
        except (RuntimeUnavailableError, HatchError, BlenderError) as error:
            self._useless = str(error)
            log.warning("the spare Blender %s: %s", USELESS, error)
            return False
        except BaseException:
            session.close()
            raise
        return True

    def _wanted(self) -> RuntimeSpec | None:
        """What was used last, or else the newest that would not have to be installed first."""
        if self._likely is not None:
            return self._likely
        installed = self._start.shelf.installed()
        return newest(installed) if installed else None
