"""What the cage costs: `python -m bench.cage [PAIRS]`, each pair a frame inside and the same frame outside.

A Blender in the cage and one without stay open and take turns, so that whatever else this machine does meets
both; medians are compared. Processor time says the same with less
noise. The scene is made so that a frame takes a second or so here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import Final

from contract.cage.probe import offered_options
from worker_agent.blender import BlenderSession, Runtime
from worker_agent.cage import Bars
from worker_agent.cage.family import close_family, processor_seconds

_PAIRS: Final = 15
_WARM_UP: Final = 2
_STARTS: Final = 3
_SECONDS: Final = 300.0
_WANTED_SECONDS: Final = 1.0
_WATCHED_SECONDS: Final = 4
_SIZE: Final = 256
_FIRST_SAMPLES: Final = 64
_SCENE: Final = f"""
import bpy, os, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
scene.render.resolution_x = scene.render.resolution_y = {_SIZE}
scene.world = bpy.data.worlds.new("World")
bpy.ops.mesh.primitive_monkey_add()
bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.57, 0, 0))
scene.camera = bpy.context.object
bpy.ops.object.light_add(type="SUN")
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
sys.stdout.flush()
os._exit(0)
"""


def main(pairs: int) -> None:
    with TemporaryDirectory(prefix="farm-bench-cage-") as folder:
        blend = Path(folder, "project", "scene.blend")
        blend.parent.mkdir()
        make = [sys.executable, "-c", _SCENE, str(blend)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL)  # bpy is not imported here
        _measure(Path(folder), blend, pairs)


def _measure(folder: Path, blend: Path, pairs: int) -> None:
    starts: dict[bool, list[float]] = {True: [], False: []}
    for number in range(_STARTS):
        for caged in (True, False):
            began = perf_counter()
            with _session(folder / f"start-{number}-{caged}", blend, caged=caged):
                starts[caged].append(perf_counter() - began)
    inside, outside = folder / "inside", folder / "outside"
    with _session(inside, blend, caged=True) as within, _session(outside, blend, caged=False) as without:
        samples = _samples_of_a_second(without, outside, blend)
        seconds: dict[bool, list[float]] = {True: [], False: []}
        busy: dict[bool, list[float]] = {True: [], False: []}
        sessions = {True: (within, inside), False: (without, outside)}
        for session, _ in sessions.values():
            session.open(blend, {"samples": samples}, _SECONDS)
        for number in range(pairs + _WARM_UP):
            for caged in (True, False) if number % 2 else (False, True):
                session, place = sessions[caged]
                before = _processor_seconds(session)
                took = _frame_seconds(session, place)
                if number >= _WARM_UP:
                    seconds[caged].append(took)
                    busy[caged].append(_processor_seconds(session) - before)
        watched = process_time()
        sleep(_WATCHED_SECONDS)
        watch = (process_time() - watched) / _WATCHED_SECONDS
    _tell(seconds, busy, starts, samples, watch)


def _session(place: Path, blend: Path, *, caged: bool) -> BlenderSession:
    (place / "frames").mkdir(parents=True)
    bars = None
    if caged:
        offered = offered_options()
        bars = Bars(offered=offered, readable=(blend.parent,), writable=(place / "frames",))
    return BlenderSession.start(
        runtime=Runtime.of(sys.executable),
        workdir=place / "home",
        log_path=place / "blender.log",
        start_timeout_seconds=_SECONDS,
        bars=bars,
    )


def _samples_of_a_second(session: BlenderSession, place: Path, blend: Path) -> int:
    """How many make a frame of a second on this machine."""
    session.open(blend, {"samples": _FIRST_SAMPLES}, _SECONDS)
    _frame_seconds(session, place)
    took = _frame_seconds(session, place)
    return max(1, round(_FIRST_SAMPLES * _WANTED_SECONDS / took))


def _frame_seconds(session: BlenderSession, place: Path) -> float:
    """From the command to the picture on the disk, as the agent waits for it."""
    began = perf_counter()
    for _ in session.render([1], place / "frames", _SECONDS):
        pass
    return perf_counter() - began


def _processor_seconds(session: BlenderSession) -> float:
    """Of all its processes so far, bubblewrap's among them."""
    return processor_seconds((session.pid, *close_family(session.pid)))


def _tell(
    seconds: dict[bool, list[float]],
    busy: dict[bool, list[float]],
    starts: dict[bool, list[float]],
    samples: int,
    watch: float,
) -> None:
    inside, outside = median(seconds[True]), median(seconds[False])
    cost = median(one / other - 1 for one, other in zip(seconds[True], seconds[False], strict=True))
    print(f"a frame of {_SIZE}×{_SIZE}, {samples} samples, {len(seconds[True])} pairs; medians")
    print(f"in the cage {inside:.3f} s, without {outside:.3f} s: {inside / outside - 1:+.1%}")
    print(f"pair by pair: {cost:+.1%}")
    within, without = median(busy[True]), median(busy[False])
    print(f"processor time in the cage {within:.3f} s, without {without:.3f} s: {within / without - 1:+.1%}")
    print(f"the agent's watch over it takes {watch:.2%} of a processor")
    within, without = median(starts[True]), median(starts[False])
    print(f"a session starts in {within:.2f} s in the cage, {without:.2f} s without")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _PAIRS)
