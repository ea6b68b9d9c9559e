"""A Blender of this computer that renders single frames for the estimate, in a cage as on the farm."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

from contract.cage.bubblewrap import Confinement, caged
from contract.cage.roots import blender_roots, graphics_devices, python_roots
from contract.runtimes import RuntimeForm, RuntimeSpec, form_of
from farm.estimate.frame_cost import Setting, Timed
from farm.local.cage import cage_here
from farm.local.processes import kill_group
from farm.plain_errors import PlainError

PATIENCE_SECONDS: Final = 900.0
"""For all the frames that are tried: who waits longer may as well render."""
_SCRIPT: Final = Path(__file__).parent / "inside" / "sample_frames.py"
_LAST_WORDS_BYTES: Final = 4_000


class SampleError(PlainError):
    """The frames could not be tried; the message says what Blender said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFacts:
    """What there is to render, with the job's options applied."""

    frame_start: int
    frame_end: int
    frame_step: int
    engine: str
    percent: int
    pixels: int
    samples: int
    adaptive: bool
    """Cycles stops where the picture is good enough: `samples` are the most."""
    time_limit_seconds: float
    open_seconds: float
    blender_version: str
    file_version: str
    simulations: tuple[str, ...]
    """Objects whose physics would have to be baked."""
    scripts_left_out: bool
    """The file has Python that would have run."""


class Sampler:
    """An open file. Every call raises SampleError when Blender cannot, or has no time left."""

    def __init__(
        self, process: subprocess.Popen[bytes], commands: IO[str], answers: IO[str], log: Path
    ) -> None:
        self._process, self._commands, self._answers, self._log = process, commands, answers, log

    def open(self, blend: Path, options: Mapping[str, Any]) -> SceneFacts:
        """Open a file. None of its scripts runs: nobody watches here what they use up."""
        answer = self._ask({"do": "open", "blend": str(blend.absolute()), "wanted": dict(options)})
        return SceneFacts(**{**answer, "simulations": tuple(answer["simulations"])})

    def render(self, frame: int, setting: Setting) -> Timed:
        asked = {"do": "render", "frame": frame, "percent": setting.percent, "samples": setting.samples}
        answer = self._ask(asked)
        return Timed(pixels=answer["pixels"], samples=setting.samples, seconds=answer["seconds"])

    def _ask(self, command: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._commands.write(json.dumps(command) + "\n")
            self._commands.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line.endswith("\n"):
            raise SampleError(self._why_it_ended())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise SampleError(f"Blender cannot try the frames: {answer['error']}")
        return answer

    def _why_it_ended(self) -> str:
        self._process.wait(30)
        said = self._log.read_bytes()[-_LAST_WORDS_BYTES:].decode("utf-8", "replace").strip()
        last = f"; its last words: {said.splitlines()[-1][:300]}" if said else ""
        return (
            f"Blender ended while it tried the frames (exit {self._process.returncode}; "
            f"at most {PATIENCE_SECONDS:.0f} s are given to it){last}"
        )


@contextmanager
def a_sampler(
    blender: RuntimeSpec, project: Path, *, patience_seconds: float = PATIENCE_SECONDS
) -> Iterator[Sampler]:
    """Start it in a folder of its own; whatever happens, it is gone in the end.

    In a cage, where this computer has one, it can read the file or folder `project`, and nothing else of
    the person's.
    """
    cage = cage_here().options
    with TemporaryDirectory(prefix="farm-estimate-") as folder:
        commands_read, commands_write = os.pipe()
        answers_read, answers_write = os.pipe()
        log = Path(folder, "blender.log")
        with os.fdopen(commands_write, "w") as commands, os.fdopen(answers_read) as answers:
            command = _command(blender.path, (commands_read, answers_write), folder)
            if cage is not None:
                command = _caged(command, blender.path, project, folder, cage)
            try:
                with log.open("wb") as output:
                    process = subprocess.Popen(
                        command,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=folder,
                        env=_environment(folder),
                        pass_fds=(commands_read, answers_write),
                        start_new_session=True,
                    )
            finally:
                os.close(commands_read)
                os.close(answers_write)
            watchdog = threading.Timer(patience_seconds, kill_group, [process.pid])
            watchdog.daemon = True
            try:
                watchdog.start()
                yield Sampler(process, commands, answers, log)
            finally:
                watchdog.cancel()
                kill_group(process.pid)
                process.wait()


def _command(path: str, descriptors: tuple[int, int], folder: str) -> list[str]:
    ends = [*map(str, descriptors), folder]
    if form_of(path) is RuntimeForm.MODULE:
        return [path, "-I", "-B", str(_SCRIPT), *ends]
    safe = ["--background", "--factory-startup", "--disable-autoexec"]
    return [path, *safe, "--python", str(_SCRIPT), "--", *ends]


def _caged(command: list[str], path: str, project: Path, folder: str, offered: frozenset[str]) -> list[str]:
    blender = Path(path).absolute()
    module = form_of(path) is RuntimeForm.MODULE
    roots = python_roots(blender) if module else blender_roots(blender)
    confinement = Confinement(
        readable=(*roots, _SCRIPT.parent, project.absolute()),
        writable=(Path(folder),),
        devices=graphics_devices(),
    )
    return caged(command, confinement, environment=_environment(folder), folder=Path(folder), offered=offered)


def _environment(folder: str) -> dict[str, str]:
    """Neither the person's add-ons and settings nor their credentials: the farm has none of them either."""
    path = os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {
        "PATH": path,
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "BLENDER_USER_RESOURCES": str(Path(folder, "user")),
    }
