"""What a run had to show, and whether it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bench.verdict import NOT_OK, verdict

MOST_SHARE: Final = 0.9
"""Of a core that a run may keep busy: one interpreter has no more than one."""
_MOST_CONTROL_DOLLARS: Final = 0.005
_MOST_DOLLARS: Final = 0.02
_MOST_FAN_OUT_CALLS: Final = 1_100
_LEAST_SECONDS: Final = 120
"""Metrics are told once a minute, and sent up to half a minute later."""
_FANNED_OUT: Final = 10_000
_LEAST_RATIO: Final = 0.95
_FEW, _MANY = 10, 1_000
_DOLLARS: Final = "${:.5f}"
_OF_A_FRAME: Final = ("control", "object", "preview")


def verdicts(outcome: Mapping[str, Any]) -> Iterator[str]:
    """Of one run."""

    def dollars(what: str, most: float, *of: str) -> str:
        found = sum(outcome[f"{each}_dollars_per_1000"] for each in of)
        return verdict(f"1,000 frames: {what}", found, most, form=_DOLLARS, inclusive=True)

    yield dollars("queue and table", _MOST_CONTROL_DOLLARS, "control")
    long_enough = outcome["world_seconds"] * outcome["speed"] > _LEAST_SECONDS
    if long_enough:
        yield dollars("with metrics and all that goes with time", _MOST_CONTROL_DOLLARS, "control", "time")
    yield dollars("queue, table, objects and the preview's get", _MOST_DOLLARS, *_OF_A_FRAME)
    if long_enough:
        yield dollars("these with what goes with time", _MOST_DOLLARS, *_OF_A_FRAME, "time")
    else:
        yield f"what goes with time: not measured, in less than {_LEAST_SECONDS} s of the agents' clocks"
    if outcome["frames_queued"] == _FANNED_OUT:
        what = f"calls that queue {_FANNED_OUT:,} frames"
        yield verdict(what, outcome["fan_out_calls"], _MOST_FAN_OUT_CALLS, form="{:,.0f}", inclusive=True)


def throughput(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """Of an agent among a thousand, by that of one among ten with the same clocks."""
    what = f"an agent's frames in an hour, of {_MANY:,} agents ÷ of {_FEW}"
    few, many = (next((each for each in outcomes if each["agents"] == n), None) for n in (_FEW, _MANY))
    if few is None or many is None:
        return f"{what}: not measured, these runs have not both"
    if few["speed"] != many["speed"]:
        return f"{what}: not measured, their clocks differ ({few['speed']:g} and {many['speed']:g})"
    ratio = many["frames_an_hour_of_an_agent"] / few["frames_an_hour_of_an_agent"]
    holds = "ok" if ratio >= _LEAST_RATIO else NOT_OK
    return f"{what}: {ratio:.3f}, to be at least {_LEAST_RATIO}: {holds}"
