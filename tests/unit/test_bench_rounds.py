"""Rounds of the benchmark with a real raw Blender, and a farm that is told which pictures to deliver."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.render.contenders import ONE_AGENT, RAW
from bench.render.farm import Prepared
from bench.render.pictures import PicturesDifferError
from bench.render.rounds import Bench, SceneRounds
from bench.render.run import Run
from bench.render.scenes import SCENES, ReadyScene, make_ready, with_frames
from tests.support.jobs import a_job

FRAMES = 2


@dataclass
class DeliveringFarm:
    """Delivers raw Blender's first pictures, one of them changed when told so."""

    folder: Path
    steps: int = 0
    paused: bool = False
    did: list[str] = field(default_factory=list)

    @property
    def agents(self) -> DeliveringFarm:
        return self

    def hold(self, count: int) -> None:
        self.did.append(f"hold {count}")

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False
        self.did.append("others")

    def prepare(self, blend: Path, folder: Path) -> Prepared:
        folder.mkdir()
        shutil.copy(blend, folder)
        return Prepared(job=a_job("trivial-1", baked_blend=blend.name), project=folder)

    def render(self, prepared: Prepared, agents: int, folder: Path) -> Run:
        assert not self.paused
        self.did.append(f"{agents} at work")
        shutil.copytree(self.folder / "warm-up", folder)
        last = folder / f"{FRAMES:04d}.png"
        with Image.open(last) as picture:
            red, *others = picture.convert("RGB").split()
        changed = red.point([min(255, value + self.steps) for value in range(256)])
        Image.merge("RGB", (changed, *others)).save(last)
        return Run(
            contender=ONE_AGENT,
            frames=FRAMES,
            seconds=1.0,
            frames_seconds=1.0,
            blender_seconds=1.0,
            processor={},
            pictures=folder,
        )


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> ReadyScene:
    (trivial,) = (scene for scene in SCENES if scene.name == "trivial")
    return make_ready(with_frames(trivial, FRAMES), tmp_path_factory.mktemp("bench") / "scene", samples=1)


@pytest.fixture
def farm(tmp_path: Path) -> DeliveringFarm:
    return DeliveringFarm(tmp_path)


def begin(farm: Any, ready: ReadyScene) -> tuple[Bench, SceneRounds]:
    bench = Bench(farm=farm, peer=None, tell=lambda _: None)
    return bench, bench.begin(ready, farm.folder)


def test_contenders_take_turns_and_the_order_is_turned_around(
    farm: DeliveringFarm, ready: ReadyScene
) -> None:
    bench, rounds = begin(farm, ready)
    bench.turn(rounds, everybody=False)
    bench.turn(rounds, everybody=False)
    assert farm.did == ["hold 1", "others", "others", "1 at work", "1 at work", "others"]
    assert [set(runs) for runs in rounds.rounds] == [{RAW, ONE_AGENT}] * 2
    for runs in rounds.rounds:
        raw = runs[RAW]
        assert (raw.frames, raw.version[:3]) == (FRAMES, "4.5")
        assert 0 < raw.frames_seconds < raw.seconds
        assert raw.processor["blender"] > 0


def test_a_farms_picture_that_is_not_raw_blenders_ends_the_run(
    farm: DeliveringFarm, ready: ReadyScene
) -> None:
    bench, rounds = begin(farm, ready)
    farm.steps = 3
    with pytest.raises(PicturesDifferError, match="trivial, frame 2: one agent and raw Blender differ"):
        bench.turn(rounds, everybody=False)
