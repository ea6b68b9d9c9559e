"""A run's figures as people read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def lines(outcome: Mapping[str, Any]) -> Iterator[str]:
    slower = outcome["speed"] < 1
    clock = f"{1 / outcome['speed']:g} times as slow" if slower else f"{outcome['speed']:g} times as quick"
    yield (
        f"{outcome['agents']:,} agents, frames of {outcome['frame_seconds']:g} s: {outcome['frames']:,} "
        f"frames in {outcome['world_seconds']:.0f} s, by clocks {clock}; "
        f"{100 * outcome['processor_share']:.0f} % of a core, {outcome['processor_ms_per_frame']:.1f} ms for "
        "each frame"
    )
    yield (
        f"  {outcome['seconds_per_frame']:.3f} s from one frame of an agent to its next; "
        f"{outcome['frames_an_hour_of_an_agent']:,.0f} frames in an hour of an agent"
    )
    yield f"  for 1,000 frames: {_calls(outcome['calls_per_1000'])}"
    yield (
        f"    {outcome['reads_per_1000']:,.0f} read and {outcome['writes_per_1000']:,.0f} write units; "
        f"queue and table ${outcome['control_dollars_per_1000']:.5f}, objects "
        f"${outcome['object_dollars_per_1000']:.5f}, the preview's get "
        f"${outcome['preview_dollars_per_1000']:.5f}"
    )
    yield (
        f"    {outcome['conflicts_per_1000']:,.0f} transactions met another; most in a second of one "
        f"partition: {outcome['most_reads_of_a_partition']:,.0f} read and "
        f"{outcome['most_writes_of_a_partition']:,.0f} write units"
    )
    yield f"  for an hour of an agent: {_calls(outcome['calls_an_hour'])}"
    yield (
        f"    {outcome['log_bytes_an_hour']:,} bytes of metrics in its log; all of it "
        f"${outcome['time_dollars_an_hour']:.5f}"
    )
    yield f"  queueing {outcome['frames_queued']:,} took {outcome['fan_out_calls']:,} calls"
    found = "a random share" if outcome["share_on_short_polls"] else "all, in order: at best"
    yield f"  looks at a queue that do not wait found {found}"


def _calls(calls: Mapping[str, float]) -> str:
    return ", ".join(f"{n:,.0f} {call.partition('.')[2]}" for call, n in calls.items()) or "none"
