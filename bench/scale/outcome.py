"""What a run has shown, as plain values."""

from __future__ import annotations

from typing import Any

from bench.aws_in_memory.occasions import FRAMES, TIME
from bench.aws_in_memory.request_units import RequestUnits
from bench.scale.ledger import Ledger


def outcome(
    *,
    agents: int,
    frame_seconds: float,
    speed: float,
    share_on_short_polls: bool,
    frames_queued: int,
    fanned_out: Ledger,
    measured: Ledger,
    units: RequestUnits,
) -> dict[str, Any]:
    """Figures `_per_1000` are for a thousand frames, `_an_hour` for an hour of one agent."""
    agent_seconds = agents * measured.seconds
    per_1000, an_hour = 1000 / measured.frames, 3600 / agent_seconds
    return {
        "agents": agents,
        "frame_seconds": frame_seconds,
        "speed": speed,
        "share_on_short_polls": share_on_short_polls,
        "frames": measured.frames,
        "world_seconds": round(measured.world_seconds, 1),
        "processor_share": round(measured.processor_seconds / measured.world_seconds, 3),
        "processor_ms_per_frame": round(1000 * measured.processor_seconds / measured.frames, 1),
        "frames_an_hour_of_an_agent": round(measured.frames * an_hour, 1),
        "seconds_per_frame": round(agent_seconds / measured.frames, 4),
        "calls_per_1000": _calls(measured, FRAMES, per_1000),
        "reads_per_1000": measured.reads[FRAMES] * per_1000,
        "writes_per_1000": measured.writes[FRAMES] * per_1000,
        "control_dollars_per_1000": measured.control_dollars * per_1000,
        "object_dollars_per_1000": measured.object_dollars * per_1000,
        "preview_dollars_per_1000": measured.preview_dollars * per_1000,
        "time_dollars_per_1000": measured.time_dollars * per_1000,
        "calls_an_hour": _calls(measured, TIME, an_hour),
        "log_bytes_an_hour": round(measured.log_bytes * an_hour),
        "time_dollars_an_hour": measured.time_dollars * an_hour,
        "conflicts_per_1000": measured.conflicts * per_1000,
        "most_reads_of_a_partition": units.most_reads_a_second,
        "most_writes_of_a_partition": units.most_writes_a_second,
        "frames_queued": frames_queued,
        "fan_out_calls": fanned_out.calls.total(),
        "fan_out": {call: n for (_, call), n in sorted(fanned_out.calls.items())},
    }


def _calls(ledger: Ledger, occasion: str, factor: float) -> dict[str, float]:
    found = {call: n for (why, call), n in ledger.calls.items() if why == occasion}
    return {call: round(n * factor, 1) for call, n in sorted(found.items())}
