"""The scenes: made or found, with frames of the length that is wanted on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Final

from bench.render.blender import BenchError, do, frame_seconds
from bench.render.contenders import ONE_AGENT, PEER, PER_FRAME, RAW, TWO_AGENTS
from bench.render.figures import Bound
from farm.local.settings import ROOT

_POTTERY: Final = ROOT.parent / "shared/scenes/pottery.blend"
_POTTERY_SAMPLES: Final = 8
_FIRST_SAMPLES: Final = 8
_MOST_SAMPLES: Final = 4096
_OURS: Final = (RAW, PER_FRAME, ONE_AGENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`frame_seconds` is what a frame should take in raw Blender: samples are found for it."""

    name: str
    source: str
    """"demo", "trivial" or "pottery"."""
    frames: int
    contenders: tuple[str, ...] = _OURS
    bounds: tuple[Bound, ...] = ()
    few_frames: int | None = None
    """So many for the contenders that take a process for each."""
    frame_seconds: float | None = None
    percentage: int | None = None
    debian: bool = False
    """By Debian's Blender, which is another version: the peer's."""

    @property
    def judged(self) -> tuple[str, ...]:
        """Raw Blender, with whose pictures all are compared, and whom the bounds are about."""
        named = {RAW, *(name for bound in self.bounds for name in (bound.of, bound.over))}
        return tuple(name for name in self.contenders if name in named)


def _slower(at_most: float) -> Bound:
    return Bound(of=ONE_AGENT, over=RAW, at_most=at_most)


def _beats_peer(at_least: float) -> Bound:
    return Bound(of=PEER, over=ONE_AGENT, at_least=at_least)


SCENES: Final = (
    Scene(
        name="demo",
        source="demo",
        frames=8,
        few_frames=3,
        frame_seconds=1.1,
        contenders=(*_OURS, TWO_AGENTS),
        bounds=(_slower(1.0),),
    ),
    Scene(
        name="demo-quick",
        source="demo",
        frames=5,
        few_frames=3,
        frame_seconds=0.8,
        bounds=(Bound(of=PER_FRAME, over=ONE_AGENT, at_least=1.8),),
    ),
    Scene(
        name="pottery-small", source="pottery", frames=24, few_frames=3, percentage=8, bounds=(_slower(1.03),)
    ),
    Scene(
        name="pottery-large", source="pottery", frames=8, few_frames=2, percentage=20, bounds=(_slower(1.03),)
    ),
    Scene(
        name="trivial",
        source="trivial",
        frames=100,
        few_frames=3,
        frame_seconds=0.05,
        contenders=(*_OURS, TWO_AGENTS),
        bounds=(_slower(1.1),),
    ),
    Scene(
        name="trivial-peer",
        source="trivial",
        frames=10,
        frame_seconds=0.05,
        debian=True,
        contenders=(RAW, PEER, ONE_AGENT),
        bounds=(_beats_peer(1.2),),
    ),
    Scene(
        name="pottery-peer",
        source="pottery",
        frames=5,
        percentage=8,
        debian=True,
        contenders=(RAW, PEER, ONE_AGENT),
        bounds=(_beats_peer(1.0),),
    ),
)
"""What a run of 15 minutes has room for. Two agents share two cores: two scenes show what comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyScene:
    scene: Scene
    blender: str
    blend: Path
    """With its settings in it."""
    samples: int
    scene_name: str
    layer: str


def debian_blender() -> str | None:
    return shutil.which("blender")


def missing(scene: Scene) -> str:
    """Why a scene cannot be had here; empty when it can."""
    if scene.source == "pottery" and not _POTTERY.is_file():
        return f"there is no {_POTTERY}"
    if scene.debian and debian_blender() is None:
        return "there is no `blender`: apt install blender"
    return ""


def make_ready(scene: Scene, folder: Path, samples: int | None = None) -> ReadyScene:
    """With so many samples, or as many as make its frames as long as they should be. Raises BenchError."""
    blender = (debian_blender() or "") if scene.debian else sys.executable
    folder.mkdir(parents=True)
    source = _source(scene, blender, folder)
    if samples is None:
        samples = (
            _POTTERY_SAMPLES if scene.frame_seconds is None else _look_for(scene, blender, source, folder)
        )
    blend, report = folder / f"{scene.name}.blend", folder / "prepared.json"
    do(
        blender,
        "prepare",
        folder / "prepare.log",
        blend=str(source),
        to=str(blend),
        frames=scene.frames,
        samples=samples,
        percentage=scene.percentage,
        report=str(report),
    )
    said = json.loads(report.read_text())
    return ReadyScene(
        scene=scene,
        blender=blender,
        blend=blend,
        samples=samples,
        scene_name=said["scene"],
        layer=said["layer"],
    )


def with_frames(scene: Scene, frames: int) -> Scene:
    return replace(scene, frames=frames, few_frames=min(frames, scene.few_frames or frames))


def _source(scene: Scene, blender: str, folder: Path) -> Path:
    if scene.source == "pottery":
        return _POTTERY
    path = folder / "source.blend"
    if scene.source == "trivial":
        do(blender, "make_trivial", folder / "make.log", to=str(path))
        return path
    command = [sys.executable, "-m", "farm.demo_scene", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"{command} failed: {done.stderr[-1500:]}")
    return path


def _look_for(scene: Scene, blender: str, source: Path, folder: Path) -> int:
    def seconds(samples: int) -> float:
        return median(frame_seconds(blender, source, samples, folder / f"samples-{samples}"))

    return samples_for(scene.frame_seconds or 0.0, seconds)


def samples_for(wanted: float, seconds: Callable[[int], float]) -> int:
    """From two measurements: a frame takes some seconds anyway, and some for each sample."""
    low, high = _FIRST_SAMPLES, 4 * _FIRST_SAMPLES
    least, most = seconds(low), seconds(high)
    each = max((most - least) / (high - low), 1e-6)
    return max(1, min(_MOST_SAMPLES, round(low + (wanted - least) / each)))
