"""The rounds: every contender once in each, in turns, with the same frames of the same baked project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.render import blender, pictures
from bench.render.contenders import ONE_AGENT, PEER, PER_FRAME, RAW, TWO_AGENTS
from bench.render.farm import BenchFarm, Prepared
from bench.render.peer import Peer
from bench.render.run import Run
from bench.render.scenes import ReadyScene

Tell = Callable[[str], object]


@dataclass(slots=True, kw_only=True)
class SceneRounds:
    """One scene's runs so far."""

    ready: ReadyScene
    prepared: Prepared
    folder: Path
    raw_pictures: list[Path] = field(default_factory=list)
    """Of raw Blender's runs, the warm-up first."""
    rounds: list[dict[str, Run]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    farm: BenchFarm
    peer: Peer | None
    """None when no scene has it."""
    tell: Tell

    def begin(self, ready: ReadyScene, folder: Path) -> SceneRounds:
        """Bake it through the farm, and let raw Blender warm up on what came of that."""
        self.farm.agents.hold(1)
        prepared = self.farm.prepare(ready.blend, folder / "baked")
        rounds = SceneRounds(ready=ready, prepared=prepared, folder=folder)
        with self._alone():
            run = blender.whole_range(ready.blender, prepared.blend, ready.scene.frames, folder / "warm-up")
        rounds.raw_pictures.append(run.pictures)
        return rounds

    def turn(self, scene: SceneRounds, *, everybody: bool) -> None:
        """One round; the order is turned around each time. Raises BenchError, PicturesDifferError."""
        number = len(scene.rounds) + 1
        order = scene.ready.scene.contenders if everybody else scene.ready.scene.judged
        runs: dict[str, Run] = {}
        for name in order if number % 2 else reversed(order):
            run = self._run(name, scene, scene.folder / f"{number}-{name.replace(' ', '-')}")
            self.tell(f"{scene.ready.scene.name}, round {number}, {name}: {run.seconds:.2f} s")
            runs[name] = run
        scene.raw_pictures.append(runs[RAW].pictures)
        scene.rounds.append(runs)
        for name in (PER_FRAME, PEER, ONE_AGENT, TWO_AGENTS):
            if name in runs:
                ours, frames = runs[name].pictures, runs[name].frames
                pictures.require_same(scene.ready.scene.name, scene.raw_pictures, name, ours, frames)

    def _run(self, name: str, scene: SceneRounds, folder: Path) -> Run:
        ready, blend = scene.ready, scene.prepared.blend
        if name in (ONE_AGENT, TWO_AGENTS):
            return self.farm.render(scene.prepared, 1 if name == ONE_AGENT else 2, folder)
        with self._alone():
            if name == RAW:
                return blender.whole_range(ready.blender, blend, ready.scene.frames, folder)
            if name == PER_FRAME:
                few = ready.scene.few_frames or ready.scene.frames
                return blender.process_per_frame(ready.blender, blend, few, folder)
            assert self.peer is not None
            return self.peer.render(ready, blend, folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.farm.agents.pause()
        try:
            yield
        finally:
            self.farm.agents.resume()
