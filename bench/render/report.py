"""The table that a person reads, and the file that a program does."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench.render.contenders import EXPLAINED, ONE_AGENT, RAW, TWO_AGENTS
from bench.render.figures import Spread, Verdict, of_contender, ratio, verdicts
from bench.render.processor_time import AGENT, BLENDER, DECODER, EMULATOR
from bench.render.rounds import SceneRounds
from bench.render.run import Run
from bench.render.scenes import Scene

_HEADINGS = (
    f"{'':18} {'frames':>6} {'runs':>4} {'seconds':>21} {'a frame':>8} {'÷ raw':>18} "
    f"{'start':>6} {'frames only':>18} {'Blender':>8} {'agent':>6} {'emulator':>8} {'idle':>8} {'calls':>6}"
)
_APART = (RAW, ONE_AGENT, TWO_AGENTS)
"""Whose first frame's beginning is known, and which start once."""
_MEANINGS = (
    "seconds: median (least–most). ÷ raw: of seconds a frame, paired by round. start: seconds until the "
    "first frame begins, Blender's start and the load; frames only: ÷ raw without these; where the "
    "farm's first frame began is estimated: its record's seconds before its upload.",
    "Blender, agent (with its decoder), emulator: processor seconds a frame. idle: milliseconds from one "
    "frame to the next in which Blender waits. calls: requests to AWS a frame.",
)


def lines_of(scenes: Sequence[SceneRounds], judged: Sequence[Verdict]) -> Iterator[str]:
    for name, what in EXPLAINED.items():
        yield f"{name}: {what}"
    yield from _MEANINGS
    for scene in scenes:
        yield ""
        yield _title(scene)
        yield _HEADINGS
        yield from (_row(scene, name) for name in scene.ready.scene.contenders if _runs(scene, name))
    yield ""
    yield from (verdict.words for verdict in judged)


def all_verdicts(scenes: Sequence[SceneRounds], left_out: Mapping[Scene, str]) -> list[Verdict]:
    """One for each bound of each scene, also of those that were left out for a reason."""
    found = [each for one in scenes for each in verdicts(_name(one), one.ready.scene.bounds, one.rounds)]
    for scene, reason in left_out.items():
        found += verdicts(scene.name, scene.bounds, (), reason)
    return found


def to_map(
    scenes: Sequence[SceneRounds], judged: Sequence[Verdict], *, load: Sequence[float]
) -> dict[str, Any]:
    """For JSON; `load` is the machine's before the run, of one, five and fifteen minutes."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processors": os.cpu_count(), "name": platform.processor(), "load_before": list(load)},
        "explained": EXPLAINED,
        "scenes": {
            scene.ready.scene.name: {
                "blender": scene.rounds[0][RAW].version,
                "samples": scene.ready.samples,
                "rounds": [{name: run.to_map() for name, run in runs.items()} for runs in scene.rounds],
            }
            for scene in scenes
        },
        "verdicts": [
            {
                "words": verdict.words,
                "ok": verdict.ok,
                "pairs": verdict.pairs,
                "ratio": verdict.ratio.median if verdict.ratio else None,
            }
            for verdict in judged
        ],
    }


def _name(scene: SceneRounds) -> str:
    return scene.ready.scene.name


def _title(scene: SceneRounds) -> str:
    ready, raw = scene.ready, _runs(scene, RAW)
    each = median(run.frames_seconds / run.frames for run in raw)
    size = scene.prepared.job.scene
    frames = f"{ready.scene.frames} frames of {each:.3f} s, {size['width']}×{size['height']}"
    return f"{ready.scene.name}: {frames}, {ready.samples} samples, Blender {raw[0].version}"


def _row(scene: SceneRounds, name: str) -> str:
    runs = _runs(scene, name)
    used = [_used(run) for run in runs]
    parts = [
        f"{name:18} {runs[0].frames:>6} {len(runs):>4}",
        f"{Spread.of([run.seconds for run in runs]).words():>21}",
        f"{median(run.per_frame for run in runs):>8.3f}",
        f"{_ratio(scene, name, lambda run: run.per_frame):>18}",
        f"{median(run.start_seconds for run in runs):>6.2f}" if name in _APART else f"{'':6}",
        f"{_ratio(scene, name, lambda run: run.frames_seconds / run.frames) if name in _APART else '':>18}",
        f"{_median(used, 'blender'):>8} {_median(used, 'agent'):>6} {_median(used, 'emulator'):>8}",
    ]
    if name == ONE_AGENT:
        parts.append(f"{1000 * median(run.idle_per_frame for run in runs):>5.0f} ms")
    if runs[0].calls:
        parts.append(f"{median(sum(run.calls.values()) / run.frames for run in runs):>6.1f}")
    return " ".join(parts).rstrip()


def _runs(scene: SceneRounds, name: str) -> list[Run]:
    return of_contender(scene.rounds, name)


def _ratio(scene: SceneRounds, name: str, seconds: Callable[[Run], float]) -> str:
    found = ratio(scene.rounds, name, RAW, seconds)
    return found.words() if found and name != RAW else ""


def _used(run: Run) -> Mapping[str, float]:
    """Processor seconds a frame."""
    used = run.processor
    agent = used.get(AGENT, 0.0) + used.get(DECODER, 0.0)
    return {
        name: seconds / run.frames
        for name, seconds in (
            ("blender", used.get(BLENDER, 0.0)),
            ("agent", agent),
            ("emulator", used.get(EMULATOR, 0.0)),
        )
    }


def _median(used: Sequence[Mapping[str, float]], name: str) -> str:
    seconds = median(each[name] for each in used)
    return f"{seconds:.3f}" if seconds else ""
