"""Blenders that are started for one thing: the raw contenders, and what prepares scenes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bench.render.contenders import PER_FRAME, RAW
from bench.render.run import Run
from contract.runtimes import RuntimeForm, form_of

_INSIDE: Final = Path(__file__).parent / "inside.py"


class BenchError(Exception):
    """The benchmark cannot go on; the message says of what, and what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A Blender that has ended well. Epoch seconds, and seconds of processor time, user's and system's."""

    started: float
    processor_seconds: float


def do(blender: str, task: str, log: Path, **arguments: Any) -> Done:
    """Have a Blender do one task of `inside.py`. Raises BenchError."""
    script = [str(_INSIDE)]
    if form_of(blender) is RuntimeForm.EXECUTABLE:
        script = ["--background", "--factory-startup", "--python-exit-code", "3", "--python", str(_INSIDE)]
    started = time.time()
    processor = wait_for([blender, *script, "--", task, json.dumps(arguments)], log)
    return Done(started=started, processor_seconds=processor)


def wait_for(command: list[str], log: Path, env: Mapping[str, str] | None = None) -> float:
    """Run a command to its end; the processor seconds of it and of all that it waited for.

    Raises BenchError when it fails; it ends with this process.
    """
    with log.open("w") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = log.read_text(errors="replace")[-1500:]
        raise BenchError(f"{' '.join(command)[:500]} failed (exit {process.returncode}): {said}")
    return usage.ru_utime + usage.ru_stime


def whole_range(blender: str, blend: Path, frames: int, folder: Path) -> Run:
    """One Blender for all frames, as `blender -a`, with the scene's own setting of persistent data."""
    done, said = _render(blender, blend, 1, frames, folder)
    return Run(
        contender=RAW,
        frames=frames,
        seconds=said["written"][-1] - done.started,
        frames_seconds=said["written"][-1] - said["loaded"],
        blender_seconds=said["written"][-1] - said["loaded"],
        processor={"blender": done.processor_seconds},
        pictures=folder,
        version=said["version"],
    )


def process_per_frame(blender: str, blend: Path, frames: int, folder: Path) -> Run:
    """A Blender for each frame, one after the other, each from its start to its end."""
    began, processor, rendered, version = time.time(), 0.0, 0.0, ""
    for frame in range(1, frames + 1):
        done, said = _render(blender, blend, frame, frame, folder)
        processor += done.processor_seconds
        rendered += said["written"][-1] - said["loaded"]
        version = said["version"]
    seconds = time.time() - began
    return Run(
        contender=PER_FRAME,
        frames=frames,
        seconds=seconds,
        frames_seconds=seconds,
        blender_seconds=rendered,
        processor={"blender": processor},
        pictures=folder,
        version=version,
    )


def frame_seconds(blender: str, blend: Path, samples: int | None, folder: Path) -> list[float]:
    """What frames 2 to 4 take with so many samples: the first one has more to do."""
    _, said = _render(blender, blend, 1, 4, folder, samples=samples)
    written = said["written"]
    return [later - earlier for earlier, later in pairwise(written)]


def _render(
    blender: str, blend: Path, start: int, end: int, folder: Path, samples: int | None = None
) -> tuple[Done, dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "report.json"
    done = do(
        blender,
        "render",
        folder / "blender.log",
        blend=str(blend),
        out=str(folder),
        start=start,
        end=end,
        report=str(report),
        samples=samples,
    )
    said: dict[str, Any] = json.loads(report.read_text())
    if len(said["written"]) != end - start + 1:
        raise BenchError(
            f"{blender} wrote {len(said['written'])} pictures of frames {start}-{end} of {blend}"
        )
    return done, said
