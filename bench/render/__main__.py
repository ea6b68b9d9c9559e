"""`python -m bench.render`: the farm beside raw Blender, a process per frame and a peer, in one run.

Exit status 1 when a frame is not raw Blender's, or the benchmark could not go on. A bound that does not hold,
or could not be measured, is said, and is a failure with `--strict` only: on a machine that does other things
too, it may not hold.
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
from bench.render.report import all_verdicts, lines_of, to_map
from bench.render.rounds import Bench, SceneRounds, Tell
from bench.render.scenes import SCENES, Scene, debian_blender, make_ready, missing, with_frames
from bench.render.standing_farm import bench_farm
from bench.render.time_left import Round, TimeLeft
from farm.local.settings import ROOT
from farm.plain_errors import PlainError

_ROUNDS: Final = 5
_EVERYBODY_ROUNDS: Final = 1
_MINUTES: Final = 16.0
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
    left_out = {scene: reason for scene in scenes if (reason := missing(scene))}
    try:
        found = _measure([scene for scene in scenes if scene not in left_out], left_out, asked, tell)
    except (BenchError, PicturesDifferError, PlainError) as error:
        print(error, file=sys.stderr)
        return 1
    judged = all_verdicts(found, left_out)
    print("\n".join(lines_of(found, judged)))
    print(f"load of the machine before the run: {', '.join(f'{each:.2f}' for each in load)}")
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(to_map(found, judged, load=load), indent=1))
    tell(f"all runs are in {asked.json}")
    short = any(not verdict.ok or verdict.pairs < asked.rounds for verdict in judged)
    return 1 if asked.strict and short else 0


def _measure(
    scenes: list[Scene], left_out: dict[Scene, str], asked: argparse.Namespace, tell: Tell
) -> list[SceneRounds]:
    """Adds to those left out. Pictures are left where they are, to be looked at, until the next run."""
    started, work = time.monotonic(), asked.folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    rival = _peer(scenes, left_out, asked.folder / "peer")
    scenes = [scene for scene in scenes if scene not in left_out]
    for scene, reason in left_out.items():
        tell(f"{scene.name} is left out: {reason}")
    debian = debian_blender() if any(scene.debian for scene in scenes) else None
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
                bench.turn(rounds, everybody=kind is Round.EVERYBODY)
            time_left.took(kind, time.monotonic() - turned)
    return begun


def _peer(scenes: list[Scene], left_out: dict[Scene, str], folder: Path) -> peer.Peer | None:
    """None when no scene has one, or it cannot be installed: its scenes are left out then."""
    beside = [scene for scene in scenes if PEER in scene.contenders]
    if not beside:
        return None
    try:
        return peer.install(folder)
    except BenchError as error:
        reason = f"the peer cannot be installed: {' '.join(str(error).split())[:300]}"
        left_out.update(dict.fromkeys(beside, reason))
        return None


def _positive(given: str) -> int:
    number = int(given)
    if number < 1:
        raise ValueError
    return number


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.render", description=__doc__)
    names = [scene.name for scene in SCENES]
    parser.add_argument("--scenes", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=_positive, default=_ROUNDS, help="of those whom a bound is about")
    parser.add_argument(
        "--everybody-rounds", type=int, default=_EVERYBODY_ROUNDS, help="in which the others run too"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="fail unless all bounds hold, on as many pairs as --rounds",
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
