"""Where an agent's own time goes: `python -m bench.render.profile`, with quick frames.

One run of the same frames for each look: by themselves (requests, processor seconds, Blender's waits),
under strace (system calls) and under py-spy (in which of our functions Python runs). Looking costs
time: only the first run's seconds mean anything.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.render.blender import BenchError
from bench.render.run import Run
from bench.render.scenes import SCENES, make_ready, with_frames
from bench.render.standing_farm import bench_farm
from farm.local.settings import ROOT

_FOLDER: Final = ROOT / ".farm/bench"
_SCENE: Final = next(scene for scene in SCENES if scene.name == "trivial")
_SHOWN: Final = 12
_PY_SPY_RATE: Final = 200
_PASSED_THROUGH: Final = ("services/patience.py",)
"""Around every request: whoever asked is meant."""
_OURS: Final = re.compile(r"(\w+) \((?:\S*/)?worker_agent/(\S+?):\d+\)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.render.profile", description=__doc__)
    parser.add_argument("--frames", type=int, default=_SCENE.frames)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for the farm and what is found")
    asked = parser.parse_args()
    work = asked.folder.resolve() / "profile"
    shutil.rmtree(work, ignore_errors=True)
    ready = make_ready(with_frames(_SCENE, asked.frames), work / "scene")
    with bench_farm(asked.folder.resolve() / "farm", (sys.executable,)) as farm:
        farm.agents.hold(1)
        prepared = farm.prepare(ready.blend, work / "baked")
        (agent,) = (process.pid for process in farm.agents.running.values())
        _tell_run(farm.render(prepared, 1, work / "alone"))
        calls, stacks = work / "strace.txt", work / "stacks.txt"
        with _beside(["strace", "-c", "-f", "-b", "execve", "-o", str(calls), "-p", str(agent)]):
            run = farm.render(prepared, 1, work / "strace")
        _tell("system calls a frame", system_calls(calls.read_text()), run.frames)
        rate = str(_PY_SPY_RATE)
        spy = ["py-spy", "record", "--gil", "-F", "-r", rate, "-f", "raw", "-d", "900", "-o", str(stacks)]
        with _beside([*spy, "-p", str(agent)]):
            run = farm.render(prepared, 1, work / "py-spy")
        milliseconds = {
            name: 1000 * n / _PY_SPY_RATE for name, n in own_functions(stacks.read_text()).items()
        }
        _tell(
            "milliseconds of Python a frame in each of our functions, what it calls elsewhere included",
            milliseconds,
            run.frames,
        )
    print(f"all stacks are in {stacks}")


def system_calls(summary: str) -> Counter[str]:
    """Calls by name, from what `strace -c` says at its end."""
    rows = (line.split() for line in summary.splitlines())
    return Counter(
        {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"}
    )


def own_functions(stacks: str) -> Counter[str]:
    """Samples by the innermost function of the agent's own, from py-spy's folded stacks."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        named = [each for each in _OURS.findall(stack) if each[1] not in _PASSED_THROUGH]
        found[f"{named[-1][1]}: {named[-1][0]}" if named else "nothing of ours"] += int(count)
    return found


def _tell_run(run: Run) -> None:
    print(f"{run.frames} frames in {run.seconds:.2f} s; Blender at them {run.blender_seconds:.2f} s")
    print(f"from one frame to the next Blender waits {1000 * run.idle_per_frame:.0f} ms")
    _tell(
        "processor milliseconds a frame",
        {name: 1000 * each for name, each in run.processor.items()},
        run.frames,
    )
    _tell("requests a frame", run.calls, run.frames)


def _tell(what: str, found: Mapping[str, float], frames: int) -> None:
    print(f"{what}: {sum(found.values()) / frames:.1f} in all")
    for name, count in Counter(found).most_common(_SHOWN):
        print(f"  {count / frames:8.2f}  {name}")


@contextmanager
def _beside(command: Sequence[str]) -> Iterator[None]:
    """A tool that looks on until it is interrupted. Raises BenchError when it ends by itself."""
    if shutil.which(command[0]) is None:
        raise BenchError(f"there is no {command[0]}: it is needed to look at the agent")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield
        if process.poll() is not None:
            said = process.stderr.read() if process.stderr else ""
            raise BenchError(f"{command[0]} ended at once (exit {process.returncode}): {said[-500:]}")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


if __name__ == "__main__":
    main()
