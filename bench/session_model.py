"""What several Blenders would bring on a large machine, reckoned: `python -m bench.session_model [CORES]`.

A frame is `serial` seconds of one thread and `parallel` processor seconds of all, in all 1; on c cores it
takes serial + parallel / c (Amdahl). Both follow from the cores that it uses on the average. With threads
for all cores each, a session uses what others leave: n of them render n times as much until the cores are
full. With the cores divided among them, a frame takes serial + parallel * n / c.
"""

from __future__ import annotations

import sys
from typing import Final

from worker_agent.seats.job_sessions import useful_sessions

_CORES: Final = 36
_SHARES: Final = (0.03, 0.06, 0.11, 0.25, 0.5, 0.75, 0.9)
"""Of the cores, that one session uses."""


def serial_share(cores_used: float, cores: int) -> float:
    """Of a frame's processor time, from 0 to 1."""
    return (1 / cores_used - 1 / cores) / (1 - 1 / cores)


def gains(cores_used: float, cores: int, sessions: int) -> tuple[float, float]:
    """Frames in the same time, as a multiple of one session's: threads for each core, and cores divided."""
    serial = serial_share(cores_used, cores)
    alone = serial + (1 - serial) / cores
    divided = sessions * alone / (serial + (1 - serial) * sessions / cores)
    return min(sessions, cores / cores_used), divided


def main(cores: int) -> None:
    print(
        f"| of {cores} cores, one session uses | part of a frame's time that is one thread's | sessions | "
        "gain, threads for all cores | gain, cores divided |"
    )
    print("|---|---|---|---|---|")
    for share in _SHARES:
        used = max(1.0, round(share * cores))
        sessions = useful_sessions(used, cores - used)
        free, divided = gains(used, cores, sessions)
        serial = serial_share(used, cores) * used  # a frame takes 1 / used
        print(f"| {used:.0f} | {serial:.0%} | {sessions} | {free:.1f} | {divided:.1f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _CORES)
