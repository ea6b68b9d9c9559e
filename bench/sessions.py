"""Several Blenders on one worker, and one that grows: `python -m bench.sessions [--strict]`.

A scene that is the work of one thread is rendered by one Blender and by two, in turns, and the pictures
are compared. Then a worker that may choose renders it, and a scene that is the work of all processors.
Last, a scene whose script keeps memory is rendered with the session opened anew as it grows, and without, in
turns; `--growing` is only that, and holds on a busy machine too, which else has nothing to choose. Each bound
has a line at the end. Some eleven minutes on a quiet machine, and 10 GiB of memory.

Exit status 1 when a picture differs; with `--strict` also when a bound does not hold, or was not measured.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from bench.growing_sessions import measure_growing
from bench.render.figures import Spread
from bench.render.pictures import Difference, compare
from bench.session_scenes import make_all_threaded, make_one_threaded
from bench.session_verdicts import Choice, gain_line, pictures_line
from bench.session_worker import SessionWorker
from bench.verdict import all_hold
from contract.job import Job
from worker_agent.seats.job_sessions import RenderedTurn

_ROUNDS: Final = 5
_FRAMES: Final = 8
"""Of one run of a round."""
_NO_NOISE: Final = Difference(steps=0, pixels=0, of=1)
"""Then the tolerance is what holds."""
_FRAMES_TO_CHOOSE: Final = 16
"""Enough to judge the first step as well."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help=f"of one and two sessions; {_ROUNDS}")
    parser.add_argument("--growing", action="store_true", help="only the scene that grows")
    parser.add_argument("--strict", action="store_true", help="exit status 1 unless each bound holds")
    asked = parser.parse_args()
    processors = os.cpu_count() or 1
    load = " ".join(f"{each:.2f}" for each in os.getloadavg())
    print(f"{processors} processors; load before: {load}", flush=True)
    with TemporaryDirectory(prefix="farm-bench-sessions-") as folder:
        same, lines = True, list[str]()
        if not asked.growing:
            same, lines = _several(Path(folder), asked.rounds, processors)
        Path(folder, "growing").mkdir()
        lines += measure_growing(Path(folder, "growing"))
    print("\n".join(lines))
    return 0 if same and (all_hold(lines) or not asked.strict) else 1


def _several(folder: Path, rounds: int, processors: int) -> tuple[bool, list[str]]:
    """Whether the frames of several sessions are those of one, and the verdicts."""
    makers = {"one thread": make_one_threaded, "all threads": make_all_threaded}
    blends = {name: Path(folder, name, "scene.blend") for name in makers}
    for name, make in makers.items():
        blends[name].parent.mkdir()
        make(blends[name])
    same, lines = _one_and_two(blends["one thread"], folder, rounds)
    for name, blend in blends.items():
        choice = _choice(name, blend, folder, processors)
        print(choice.words, flush=True)
        lines.append(choice.line)
    return same, lines


def _one_and_two(blend: Path, folder: Path, rounds: int) -> tuple[bool, list[str]]:
    """Whether the frames are the same, and the verdicts."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    with _worker(blend, folder / "one", 1) as one, _worker(blend, folder / "two", 2) as two:
        workers = {1: one, 2: two}
        for worker in workers.values():
            worker.render(range(1, 5))  # opens its Blenders, and has each render before it is measured
        for number in range(rounds):
            first = 5 + number * _FRAMES
            for count in (1, 2) if number % 2 else (2, 1):
                seconds[count].append(workers[count].render(range(first, first + _FRAMES)) / _FRAMES)
        differences = {
            path.name: compare(path, two.pictures / path.name) for path in sorted(one.pictures.iterdir())
        }
    for count, found in seconds.items():
        words = Spread.of([3600 / each for each in found]).words(".0f")
        print(f"one thread, {count} session{'s' * (count > 1)}: {words} frames an hour")
    wrong = [f"{name}: {found}" for name, found in differences.items() if not found.within(_NO_NOISE)]
    worst = max(differences.values(), key=lambda found: (found.steps, found.pixels))
    print(f"{len(differences)} frames compared; the worst: {worst}")
    for line in wrong:
        print(line)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    return not wrong, [pictures_line(len(differences), len(wrong)), gain_line(ratios)]


def _choice(name: str, blend: Path, folder: Path, processors: int) -> Choice:
    with _worker(blend, folder / f"chosen {name}", None, processors) as worker:
        with _turns_of(worker) as seen:
            worker.render(range(1, 1 + _FRAMES_TO_CHOOSE))
        return Choice(
            scene=name,
            processors=processors,
            alone=[turn for turn in seen if turn.sessions == 1],
            count=worker.counts.count(worker.job),
            fills=name == "all threads",
        )


@contextmanager
def _turns_of(worker: SessionWorker) -> Iterator[list[RenderedTurn]]:
    """What is measured of them, as it comes."""
    seen: list[RenderedTurn] = []
    add = worker.counts.add

    def note(job: Job, turn: RenderedTurn) -> None:
        seen.append(turn)
        add(job, turn)

    with patch.object(worker.counts, "add", note):
        yield seen


@contextmanager
def _worker(blend: Path, folder: Path, sessions: int | None, processors: int = 1) -> Iterator[SessionWorker]:
    worker = SessionWorker(blend, folder, sessions=sessions, processors=processors)
    try:
        yield worker
    finally:
        worker.close()


if __name__ == "__main__":
    sys.exit(main())
