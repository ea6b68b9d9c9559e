"""`python -m bench.render`: the farm beside raw Blender, a process per frame and a peer, in one run.

Exit status 1 when a frame is not raw Blender's, or the benchmark could not go on. A bound that does not hold
is said, and is no failure: on a machine that does other things too, it may not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Final

from bench.render import peer
from bench.render.blender import BenchError
from bench.render.contenders import PEER
from bench.render.pictures import PicturesDifferError
from bench.render.report import lines_of, to_map
from bench.render.rounds import Bench, SceneRounds, Tell
from bench.render.scenes import SCENES, Scene, debian_blender, make_ready, missing, with_frames
from bench.render.standing_farm import bench_farm
from bench.render.time_left import Round, TimeLeft
from farm.local.settings import ROOT
from farm.plain_errors import PlainError

_ROUNDS: Final = 5
_EVERYBODY_ROUNDS: Final = 3
_MINUTES: Final = 14.0
_FOLDER: Final = ROOT / ".farm/bench"


def main() -> int:
    asked = _arguments()
    load, began = os.getloadavg(), time.monotonic()

    def tell(words: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {words}", file=sys.stderr, flush=True)

    signal.signal(signal.SIGTERM, _interrupt)  # no farm is left behind
    scenes = [scene for scene in SCENES if scene.name in asked.scenes]
    if asked.frames:
        scenes = [with_frames(scene, min(asked.frames, scene.frames)) for scene in scenes]
    for scene in scenes:
        if reason := missing(scene):
            tell(f"{scene.name} is left out: {reason}")
    try:
        found = _measure([scene for scene in scenes if not missing(scene)], asked, tell)
    except (BenchError, PicturesDifferError, PlainError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines_of(found)))
    print(f"load of the machine before the run: {', '.join(f'{each:.2f}' for each in load)}")
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(to_map(found, load=load), indent=1))
    tell(f"all runs are in {asked.json}")
    return 0


def _measure(scenes: list[Scene], asked: argparse.Namespace, tell: Tell) -> list[SceneRounds]:
    """What differs is left where it is, for a person to look at; the next run clears it away."""
    started, work = time.monotonic(), asked.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    debian = debian_blender() if any(scene.debian for scene in scenes) else None
    rival = _peer(scenes, asked.folder / "peer", tell)
    with bench_farm(asked.folder / "farm", (sys.executable, *([debian] if debian else []))) as farm:
        bench = Bench(farm=farm, peer=rival, tell=tell)
        begun = []
        for scene in scenes:
            ready = make_ready(scene, work / scene.name, asked.samples)
            tell(f"{scene.name}: {ready.samples} samples")
            begun.append(bench.begin(ready, work / scene.name))
        time_left = TimeLeft(
            seconds=60 * asked.minutes, rounds=asked.rounds, everybody_rounds=asked.everybody_rounds
        )
        for number in range(asked.rounds):
            kind, turned = time_left.next(number, time.monotonic() - started), time.monotonic()
            tell(f"round {number + 1} of {asked.rounds}: {kind.value}")
            if kind is Round.NONE:
                break
            for rounds in begun:
                if kind is Round.EVERYBODY or not rounds.ready.scene.everybody_only:
                    bench.turn(rounds, everybody=kind is Round.EVERYBODY)
            time_left.took(kind, time.monotonic() - turned)
    return [rounds for rounds in begun if rounds.rounds]


def _peer(scenes: list[Scene], folder: Path, tell: Tell) -> peer.Peer | None:
    """None when no scene has one, or it cannot be installed: the others are measured without it."""
    if not any(PEER in scene.contenders for scene in scenes):
        return None
    try:
        return peer.install(folder)
    except BenchError as error:
        tell(f"the peer is left out: {error}")
        return None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.render", description=__doc__)
    names = [scene.name for scene in SCENES]
    parser.add_argument("--scenes", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="of raw Blender and one agent")
    parser.add_argument(
        "--everybody-rounds", type=int, default=_EVERYBODY_ROUNDS, help="in which the others run too"
    )
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="after which no round begins")
    parser.add_argument("--frames", type=int, help="of each scene, at most")
    parser.add_argument("--samples", type=int, help="of each scene, instead of looking for a number")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="for the farm, the peer and pictures")
    parser.add_argument("--json", type=Path, help="FOLDER/render.json without it")
    asked = parser.parse_args()
    asked.folder = asked.folder.resolve()
    asked.json = asked.json or asked.folder / "render.json"
    return asked


if __name__ == "__main__":
    sys.exit(main())
