"""What a farm of up to 1,000 agents asks of AWS for each frame, what that costs, and what it waits for.

    python -m bench.scale [--quick | --lengths | --sizes] [--json FILE]

Each run is a process of its own (bench.scale.run) and ends within ten minutes; all of them take some twenty,
most of it ten and a thousand agents (`--sizes`). `--quick` is a minute. A run that keeps a core busy for more
than nine tenths of the time is refused: this computer would be what is measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from bench.scale.bounds import MOST_SHARE, throughput, verdicts
from bench.scale.report import lines

_LONGEST_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Plan:
    agents: int
    frame_seconds: float
    frames_each: int
    speed: float
    """Of the clocks: as slow as two cores need for so many agents, as quick as long frames allow."""
    queued: int = 0
    """Frames that are in the queue, at least."""
    share: int = 0
    """1: looks at a queue that do not wait find a random share. 0: all."""


_TEN_THOUSAND: Final = 10_000
LENGTHS: Final = (
    Plan(4, 0.05, 100, 0.25),
    Plan(4, 0.05, 100, 0.25, share=1),
    Plan(4, 1, 185, 6),
    Plan(4, 1, 185, 6, share=1),
    Plan(4, 30, 30, 20, _TEN_THOUSAND),
    Plan(4, 300, 6, 60),
)
"""What frames of each length cost: so much goes with frames, so much with time."""
SIZES: Final = (Plan(1, 1, 40, 1), Plan(10, 1, 4, 0.02), Plan(100, 1, 12, 0.1), Plan(1000, 1, 3, 0.02))
"""The same frames for ever more agents. Ten and a thousand, which are compared, have the same clocks."""
QUICK: Final = (Plan(2, 1, 8, 2), Plan(2, 1, 8, 2, share=1), Plan(2, 30, 6, 20, _TEN_THOUSAND))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_const", dest="plans", const=QUICK, help="two agents only")
    which.add_argument(
        "--lengths", action="store_const", dest="plans", const=LENGTHS, help="four agents only"
    )
    which.add_argument(
        "--sizes", action="store_const", dest="plans", const=SIZES, help="one-second frames only"
    )
    parser.add_argument("--json", type=Path, help="where every figure goes")
    asked = parser.parse_args()
    found = []
    for outcome in _run(asked.plans or (*LENGTHS, *SIZES)):
        found.append(outcome)
        print("\n".join([*lines(outcome), *(f"  {each}" for each in verdicts(outcome))]), flush=True)
    if asked.plans is not QUICK:
        print(throughput(found))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


def _run(plans: Sequence[Plan]) -> Iterator[dict[str, Any]]:
    for plan in plans:
        command = [sys.executable, "-m", "bench.scale.run", *map(str, astuple(plan))]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, timeout=_LONGEST_SECONDS
        )
        outcome: dict[str, Any] = json.loads(done.stdout)
        if outcome["processor_share"] > MOST_SHARE:
            busy = f"{100 * outcome['processor_share']:.0f} %"
            sys.exit(
                f"refused: {plan.agents} agents kept a core busy for {busy} of the time, more than "
                f"{100 * MOST_SHARE:.0f} %: this computer is what was measured. Slow their clocks down, of a "
                f"speed of {plan.speed:g}"
            )
        yield outcome


if __name__ == "__main__":
    main()
