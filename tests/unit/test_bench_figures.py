"""Ratios, bounds and verdicts of `python -m bench.render`."""

from pathlib import Path

import pytest

from bench.render.contenders import ONE_AGENT, PEER, PER_FRAME, RAW
from bench.render.figures import Bound, Spread, ratio, verdicts
from bench.render.report import all_verdicts
from bench.render.run import Run
from bench.render.scenes import SCENES


def a_run(contender: str, seconds: float, *, frames: int = 10, frames_seconds: float | None = None) -> Run:
    return Run(
        contender=contender,
        frames=frames,
        seconds=seconds,
        frames_seconds=seconds if frames_seconds is None else frames_seconds,
        blender_seconds=0.5 * seconds,
        processor={},
        pictures=Path(),
    )


def of(**seconds: float) -> dict[str, Run]:
    names = {"raw": RAW, "ours": ONE_AGENT, "each": PER_FRAME}
    return {names[name]: a_run(names[name], value) for name, value in seconds.items()}


def test_a_ratio_is_the_median_of_each_rounds_own() -> None:
    rounds = [of(raw=10, ours=11), of(raw=20, ours=20), of(raw=5, ours=6)]  # the machine's pace changes
    assert ratio(rounds, ONE_AGENT, RAW) == Spread(median=1.1, least=1.0, most=1.2)


def test_runs_of_different_numbers_of_frames_are_compared_by_the_frame() -> None:
    few = a_run(PER_FRAME, 6, frames=3)
    assert ratio([of(raw=10) | {PER_FRAME: few}], PER_FRAME, RAW) == Spread(median=2.0, least=2.0, most=2.0)


def test_only_rounds_in_which_both_ran_count() -> None:
    rounds = [of(raw=10, ours=10, each=30), of(raw=10, ours=20)]
    assert ratio(rounds, PER_FRAME, ONE_AGENT) == Spread(median=3.0, least=3.0, most=3.0)
    assert ratio(rounds, PEER, ONE_AGENT) is None


def test_other_seconds_can_be_compared() -> None:
    ours, raw = a_run(ONE_AGENT, 12, frames_seconds=9), a_run(RAW, 11, frames_seconds=6)
    found = ratio([{ONE_AGENT: ours, RAW: raw}], ONE_AGENT, RAW, lambda run: run.frames_seconds)
    assert found == Spread(median=1.5, least=1.5, most=1.5)
    assert ours.idle_per_frame == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("bound", "holds", "holds_not"),
    [
        (Bound(of=ONE_AGENT, over=RAW, at_most=1.0), 1.0, 1.0049),
        (Bound(of=PEER, over=ONE_AGENT, at_least=1.2), 1.2, 1.1951),
    ],
)
def test_a_bound_is_held_to_without_rounding(bound: Bound, holds: float, holds_not: float) -> None:
    assert bound.holds(holds)
    assert not bound.holds(holds_not)


def test_a_verdict_says_what_was_found_and_what_was_wanted() -> None:
    bounds = (
        Bound(of=ONE_AGENT, over=RAW, at_most=1.0),
        Bound(of=PER_FRAME, over=ONE_AGENT, at_least=1.8),
        Bound(of=PEER, over=ONE_AGENT, at_least=1.2),
    )
    rounds = [of(raw=10, ours=10.5, each=21), of(raw=10, ours=11), of(raw=10, ours=10)]
    found = verdicts("demo", bounds, rounds, "there is no peer")
    assert [verdict.words for verdict in found] == [
        "demo: one agent ÷ raw Blender = 1.050 (1.000–1.100) of 3 pairs, at most 1.00: NOT OK",
        "demo: process per frame ÷ one agent = 2.000 (2.000–2.000) of 1 pair, at least 1.80: ok",
        "demo: openjd, sticky ÷ one agent, at least 1.20: not measured: there is no peer",
    ]
    assert [(verdict.ok, verdict.pairs) for verdict in found] == [(False, 3), (True, 1), (False, 0)]


def test_a_scene_that_is_left_out_has_its_verdicts() -> None:
    (scene,) = (scene for scene in SCENES if scene.name == "trivial-peer")
    (verdict,) = all_verdicts((), {scene: "there is no `blender`"})
    assert verdict.words == (
        "trivial-peer: openjd, sticky ÷ one agent, at least 1.20: not measured: there is no `blender`"
    )
