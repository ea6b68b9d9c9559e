"""The folder in which a worker keeps the Blenders that it installed: one for all processes."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Final

from contract.blender_releases import read_version
from contract.runtimes import RuntimeForm, RuntimeSpec, version_command
from worker_agent.blender import Runtime
from worker_agent.runtimes.commands import run
from worker_agent.runtimes.compiling import compile_what_it_loads
from worker_agent.runtimes.errors import InstallError, RuntimeUnavailableError
from worker_agent.runtimes.executable import install_executable
from worker_agent.runtimes.kept_releases import KeptReleases
from worker_agent.runtimes.wheel import install_wheel
from worker_agent.tasks.outcome import InterruptedTaskError

Stopped = Callable[[], bool]
Installer = Callable[[RuntimeSpec, Path, Stopped], Path]
"""Installs inside an empty folder, and returns what is to be kept of it. Raises InstallError."""

START: Final = {RuntimeForm.EXECUTABLE: "blender", RuntimeForm.MODULE: "bin/python"}
"""What is started of an installed Blender."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 30, 900
"""How long a failed install is not tried again; twice as long after each further failure."""
LOCK_POLL_SECONDS = 0.5
ASK_SECONDS = 120


def install(spec: RuntimeSpec, folder: Path, stopped: Stopped, *, kept: KeptReleases | None = None) -> Path:
    """Fetch a release from where the farm has kept it, or it is published."""
    if spec.form is RuntimeForm.EXECUTABLE:
        return install_executable(spec.version, folder, stopped=stopped, kept=kept)
    return install_wheel(spec.version, spec.wheel_python, folder, stopped=stopped)


@dataclass(frozen=True, slots=True)
class _Failure:
    why: str
    wait_seconds: int
    until: float


class BlenderShelf:
    """An installed Blender appears under its name by one rename: what has a name is whole."""

    def __init__(
        self,
        specs: Sequence[RuntimeSpec],
        folder: Path,
        *,
        stopped: Stopped = lambda: False,
        installer: Installer = install,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.specs = tuple(specs)
        self._folder = folder
        self._stopped = stopped
        self._installer = installer
        self._clock = clock
        self._failures: dict[RuntimeSpec, _Failure] = {}

    def find(self, version: str, form: str) -> RuntimeSpec:
        """Raises RuntimeUnavailableError when this worker was told of no such Blender."""
        for spec in self.specs:
            if (spec.version, str(spec.form)) == (version, form):
                return spec
        raise RuntimeUnavailableError(
            f"the job is bound to Blender {version} ({form}), which this worker has not: "
            f"it has {', '.join(map(str, self.specs))}"
        )

    def installed(self) -> list[RuntimeSpec]:
        """Those that can be started at once."""
        return [spec for spec in self.specs if spec.path or (self._home(spec) / START[spec.form]).exists()]

    def runtime(self, spec: RuntimeSpec) -> Runtime:
        """What to start, installed if need be.

        Raises RuntimeUnavailableError when that fails, or failed a while ago, and
        InterruptedTaskError when the worker must go.
        """
        if spec.path:
            return Runtime.of(spec.path)
        start = self._home(spec) / START[spec.form]
        if not start.exists():
            self._install_unless_hopeless(spec)
        return Runtime.of(start)

    def _install_unless_hopeless(self, spec: RuntimeSpec) -> None:
        failure = self._failures.get(spec)
        if failure and failure.until > self._clock():
            raise RuntimeUnavailableError(failure.why, retry_seconds=int(failure.until - self._clock()) + 1)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._lock(spec):
                if not (self._home(spec) / START[spec.form]).exists():  # another process was quicker
                    self._install(spec)
        except (InstallError, OSError) as error:
            why = str(error) if isinstance(error, InstallError) else f"Blender {spec}: {error}"
            wait = min(2 * failure.wait_seconds, LONGEST_RETRY_SECONDS) if failure else FIRST_RETRY_SECONDS
            self._failures[spec] = _Failure(why, wait, self._clock() + wait)
            raise RuntimeUnavailableError(why, retry_seconds=wait) from error
        self._failures.pop(spec, None)

    def _install(self, spec: RuntimeSpec) -> None:
        home = self._home(spec)
        for leftover in self._folder.glob(f".{home.name}.*.part"):  # of one that was interrupted
            shutil.rmtree(leftover, ignore_errors=True)
        part = self._folder / f".{home.name}.{token_hex(4)}.part"
        part.mkdir()
        try:
            made = self._installer(spec, part, self._stopped)
            self._check(spec, made)
            compile_what_it_loads(made / START[spec.form], made, stopped=self._stopped)
            if home.exists():  # it cannot be started: its Python has gone, say
                home.rename(part / "broken")
            made.rename(home)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _check(self, spec: RuntimeSpec, made: Path) -> None:
        """Start it once: what cannot even say its version is not kept."""
        start = str(made / START[spec.form])
        what = f"Blender {spec} was installed and cannot be started"
        said = run(version_command(start), what=what, seconds=ASK_SECONDS, stopped=self._stopped)
        if read_version(said) != spec.version:
            raise InstallError(f"what was installed as Blender {spec} says it is {said.strip()[:200]!r}")

    def _home(self, spec: RuntimeSpec) -> Path:
        return self._folder / f"{spec.version}-{spec.form}"

    @contextmanager
    def _lock(self, spec: RuntimeSpec) -> Iterator[None]:
        """One installs, the others wait. The lock ends with the process that holds it."""
        with (self._folder / f".{self._home(spec).name}.lock").open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self._stopped():
                        raise InterruptedTaskError("the worker is stopping") from None
                    time.sleep(LOCK_POLL_SECONDS)
            yield
