"""Resident memory of an agent's process after 100, 1,000 and 10,000 frames.

    python -m bench.agent_memory [--frames 10000]

A real agent (`python -m worker_agent`), a stand-in for Blender that renders as quickly as it writes small
pictures, services in this process. Some minutes for 10,000 frames; nothing but memory is measured.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from bench.agent_memory.agent import RunningAgent, an_agent
from bench.scale.waiting import wait_until

_LOOKS: Final = (100, 300, 1_000, 3_000, 10_000)
_LONGEST_SECONDS: Final = 1_800


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000, help="how many it does (10,000)")
    frames = parser.parse_args().frames
    with tempfile.TemporaryDirectory() as folder, an_agent(Path(folder), frames) as agent:
        wait_until(lambda: agent.job.frames_are_sent, seconds=120, what="the fan-out")
        agent.job.keep_open()
        for look in sorted({*(n for n in _LOOKS if n < frames), frames}):
            wait_until(partial(_has_done, agent, look), seconds=_LONGEST_SECONDS, what=f"frame {look}")
            print(
                f"after {agent.job.frames_done:,} frames: agent {agent.megabytes:.1f} MB, "
                f"its decoder {agent.decoder_megabytes:.1f} MB",
                flush=True,
            )


def _has_done(agent: RunningAgent, frames: int) -> bool:
    return agent.job.frames_done >= frames


if __name__ == "__main__":
    main()
