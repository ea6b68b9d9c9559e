"""A scene that keeps memory, with its Blender opened anew as it grows, and left open, in turns.

A pair is what both took for the same frames: as many as lie between two openings, and one opening among them
with the frames after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final
from unittest.mock import patch

from bench.session_scenes import make_leaking
from bench.session_verdicts import Growing, growing_lines
from bench.session_worker import SessionWorker
from worker_agent.seats import session_growth

_MEGABYTES: Final = 50
"""That it keeps of each frame."""
_PAIRS: Final = 3
_AT_ONCE: Final = 4
"""Frames of one turn: the machine is the same for both, and the hands of a worker wait for each other."""
_MOST_FRAMES: Final = 240


def measure_growing(folder: Path) -> list[str]:
    """The verdicts. `folder` is empty."""
    blend = folder / "projects" / "leaking" / "scene.blend"
    blend.parent.mkdir(parents=True)
    make_leaking(blend, megabytes=_MEGABYTES, quick=False)
    with ExitStack() as stack:
        anew = SessionWorker(blend, folder / "anew", sessions=1, processors=1, projects=blend.parent.parent)
        stack.enter_context(closing(anew))
        left = SessionWorker(blend, folder / "left", sessions=1, processors=1)
        stack.enter_context(closing(left))
        pairs = list(_pairs(anew, left))
        found = [
            Growing(
                opened_anew=worker is anew,
                frames=sum(frames for frames, _ in pairs),
                pair_seconds=[seconds[worker] for _, seconds in pairs],
                blenders=len(worker.blenders),
                most_bytes=worker.most_memory_bytes,
            )
            for worker in (anew, left)
        ]
    for each in found:
        print(f"{_MEGABYTES} MiB {each.words}", flush=True)
    return growing_lines(*found)


def _pairs(anew: SessionWorker, left: SessionWorker) -> Iterator[tuple[int, dict[SessionWorker, float]]]:
    """How many frames, and what each of the two took for them."""
    blocks = [range(first, first + _AT_ONCE) for first in range(1, _MOST_FRAMES, _AT_ONCE)]
    _in_turns(anew, left, blocks[0], False)  # both are opened
    frames, seconds = 0, {anew: 0.0, left: 0.0}
    opened, pairs = False, 0
    for number, block in enumerate(blocks[1:]):
        before = len(anew.blenders)
        for worker, took in _in_turns(anew, left, block, number % 2 == 0).items():
            seconds[worker] += took
        frames += len(block)
        if opened:  # and has rendered some frames since
            yield frames, seconds
            frames, seconds, pairs = 0, {anew: 0.0, left: 0.0}, pairs + 1
        opened = len(anew.blenders) > before
        if pairs == _PAIRS:
            return


def _in_turns(
    anew: SessionWorker, left: SessionWorker, block: range, anew_first: bool
) -> dict[SessionWorker, float]:
    seconds = {}
    for worker in (anew, left) if anew_first else (left, anew):
        factor = session_growth.GROWTH_FACTOR if worker is anew else float("inf")
        with patch.object(session_growth, "GROWTH_FACTOR", factor):
            seconds[worker] = worker.render(block)
    return seconds
