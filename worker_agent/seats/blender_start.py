"""How this worker starts a Blender: of which release, in which folders, in which cage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.runtimes import RuntimeSpec
from worker_agent.blender import BlenderDied, BlenderSession, BlenderTimedOut
from worker_agent.cage import Bars, Cell, Hatch
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.runtimes.identity import check_identity
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.tasks.outcome import InterruptedTaskError

START_SECONDS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a Blender sees of the job whose project it opens; no other job's."""

    project: Path
    changes_it: bool = False
    published: Path | None = None
    """The path that it has in a cage, if that is another. One that may be changed has its own."""

    @property
    def seen_as(self) -> Path:
        return (self.published or self.project).absolute()


class BlenderStart:
    """What starts a Blender raises RuntimeUnavailableError when it cannot be installed or started here, or is
    not the one that is wanted, and InterruptedTaskError while the worker is `stopped`.
    """

    def __init__(
        self,
        shelf: BlenderShelf,
        *,
        cage: frozenset[str] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`cage` are the options of this machine's bubblewrap (contract.cage.probe); None: no cage."""
        self.shelf = shelf
        self.cage = cage
        self.stopped = stopped

    def with_project(self, spec: RuntimeSpec, build: str | None, cell: Cell, view: View) -> BlenderSession:
        """One for this project, of this build if one is given."""
        self.go_on()
        session = self._start(spec, cell, lambda cage: _bars(cage, cell, view))
        try:
            check_identity(spec, build, version=session.runtime_version, build=session.runtime_build)
        except RuntimeUnavailableError:
            session.close()
            raise
        return session

    def without_project(
        self, spec: RuntimeSpec, cell: Cell, projects: Path, begun: Callable[[BlenderSession], None]
    ) -> BlenderSession:
        """One that will be shown a project later, which then lies somewhere below the folder `projects`.

        `begun` is called with what may be killed while it starts, which then raises BlenderKilled.
        """
        self.go_on()
        return self._start(spec, cell, lambda cage: _spare_bars(cage, cell, projects), begun)

    def go_on(self) -> None:
        """Raises InterruptedTaskError when no Blender is to be started, or used, any more."""
        if self.stopped():
            raise InterruptedTaskError("the worker has to go")

    def _start(
        self,
        spec: RuntimeSpec,
        cell: Cell,
        bars: Callable[[frozenset[str]], Bars],
        begun: Callable[[BlenderSession], None] = lambda _: None,
    ) -> BlenderSession:
        runtime = self.shelf.runtime(spec)
        cell.make()
        try:
            return BlenderSession.start(
                runtime=runtime,
                workdir=cell.home,
                log_path=cell.log,
                start_timeout_seconds=START_SECONDS,
                bars=None if self.cage is None else bars(self.cage),
                begun=begun,
            )
        except (BlenderDied, BlenderTimedOut) as error:  # no file is open yet: none is to blame
            raise RuntimeUnavailableError(f"Blender {spec}: {error.reason}", log=error.log) from error


def _bars(cage: frozenset[str], cell: Cell, view: View) -> Bars:
    project = view.project.absolute()
    if view.changes_it:
        return Bars(offered=cage, writable=(project,))
    return Bars(offered=cage, renamed=((project, view.seen_as),), writable=(cell.frames,))


def _spare_bars(cage: frozenset[str], cell: Cell, projects: Path) -> Bars:
    cell.shown.mkdir()
    hatch = Hatch(place=cell.shown.absolute(), inside=projects.absolute())
    return Bars(offered=cage, writable=(cell.frames,), hatch=hatch)
