"""Rounds of the benchmark with a real raw Blender, and others that are told which pictures to deliver."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench.render import blender
from bench.render.contenders import ONE_AGENT, PEER, PER_FRAME, RAW, TWO_AGENTS
from bench.render.farm import Prepared
from bench.render.pictures import PicturesDifferError
from bench.render.rounds import Bench, SceneRounds
from bench.render.run import Run
from bench.render.scenes import SCENES, ReadyScene, make_ready, with_frames
from tests.support.jobs import a_job

FRAMES = 2
EVERYBODY = (RAW, PER_FRAME, PEER, ONE_AGENT, TWO_AGENTS)


@dataclass
class DeliveringFarm:
    """Delivers raw Blender's first pictures, one of them changed when told so."""

    folder: Path
    spoils: str = ""
    """Whose pictures it changes."""
    paused: bool = False
    did: list[str] = field(default_factory=list)
    others_ran: list[tuple[str, bool]] = field(default_factory=list)
    """Who rendered beside it, and whether it was paused then."""

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
        return self.deliver(ONE_AGENT if agents == 1 else TWO_AGENTS, folder)

    def deliver(self, contender: str, folder: Path) -> Run:
        shutil.copytree(self.folder / "warm-up", folder)
        last, steps = folder / f"{FRAMES:04d}.png", 3 if contender == self.spoils else 0
        with Image.open(last) as picture:
            red, *others = picture.convert("RGB").split()
        changed = red.point([min(255, value + steps) for value in range(256)])
        Image.merge("RGB", (changed, *others)).save(last)
        return Run(
            contender=contender,
            frames=FRAMES,
            seconds=1.0,
            frames_seconds=1.0,
            blender_seconds=1.0,
            processor={},
            pictures=folder,
        )


@dataclass
class DeliveringPeer:
    farm: DeliveringFarm

    def render(self, ready: ReadyScene, blend: Path, folder: Path) -> Run:
        self.farm.others_ran.append((PEER, self.farm.paused))
        return self.farm.deliver(PEER, folder)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> ReadyScene:
    (trivial,) = (scene for scene in SCENES if scene.name == "trivial")
    return make_ready(with_frames(trivial, FRAMES), tmp_path_factory.mktemp("bench") / "scene", samples=1)


@pytest.fixture
def farm(tmp_path: Path) -> DeliveringFarm:
    return DeliveringFarm(tmp_path)


@pytest.fixture(autouse=True)
def watched(farm: DeliveringFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw Blender is the real one; a process per frame takes seconds, and its pictures can be spoiled."""
    whole_range = blender.whole_range

    def watching(*given: Any) -> Run:
        farm.others_ran.append((RAW, farm.paused))
        return whole_range(*given)

    def per_frame(program: str, blend: Path, frames: int, folder: Path) -> Run:
        farm.others_ran.append((PER_FRAME, farm.paused))
        return farm.deliver(PER_FRAME, folder)

    monkeypatch.setattr(blender, "whole_range", watching)
    monkeypatch.setattr(blender, "process_per_frame", per_frame)


def begin(farm: Any, ready: ReadyScene) -> tuple[Bench, SceneRounds]:
    everybody = replace(ready, scene=replace(ready.scene, contenders=EVERYBODY))
    peer: Any = DeliveringPeer(farm)
    bench = Bench(farm=farm, peer=peer, tell=lambda _: None)
    return bench, bench.begin(everybody, farm.folder)


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


@pytest.mark.parametrize("contender", [PER_FRAME, PEER, ONE_AGENT, TWO_AGENTS])
def test_a_picture_that_is_not_raw_blenders_ends_the_run(
    farm: DeliveringFarm, ready: ReadyScene, contender: str
) -> None:
    bench, rounds = begin(farm, ready)
    farm.spoils = contender
    with pytest.raises(PicturesDifferError, match=f"trivial, frame 2: {contender} and raw Blender differ"):
        bench.turn(rounds, everybody=True)


def test_the_farm_is_paused_while_anybody_else_renders(farm: DeliveringFarm, ready: ReadyScene) -> None:
    bench, rounds = begin(farm, ready)
    bench.turn(rounds, everybody=True)
    assert farm.others_ran == [(RAW, True), (RAW, True), (PER_FRAME, True), (PEER, True)]
    assert not farm.paused


def test_those_whom_a_bound_is_about_run_in_every_round() -> None:
    judged = {scene.name: set(scene.judged) for scene in SCENES}
    assert judged["trivial"] == {RAW, ONE_AGENT}
    assert judged["demo-quick"] == {RAW, PER_FRAME, ONE_AGENT}
    assert judged["pottery-peer"] == {RAW, PEER, ONE_AGENT}
