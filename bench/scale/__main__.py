"""What a farm of up to 1,000 agents asks of AWS for each frame, what that costs, and what it waits for.

    python -m bench.scale [--quick] [--json FILE]

Each run is a process of its own (bench.scale.run) and takes some minutes at most; all of them some twenty.
`--quick` is half a minute: two agents, and frames of one and of thirty seconds.
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

from bench.scale.report import lines

_LONGEST_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Plan:
    agents: int
    frame_seconds: float
    frames_each: int
    speed: float
    """Of the clocks: as slow as two cores need for so many agents, as quick as long frames allow."""


LENGTHS: Final = (Plan(4, 0.05, 100, 1), Plan(4, 1, 25, 2), Plan(4, 30, 12, 20), Plan(4, 300, 6, 60))
"""What frames of each length cost: so much goes with frames, so much with time."""
SIZES: Final = (Plan(1, 1, 40, 0.5), Plan(10, 1, 20, 0.2), Plan(100, 1, 16, 0.1), Plan(1000, 1, 10, 1 / 40))
"""The same frames for ever more agents."""
QUICK: Final = (Plan(2, 1, 8, 2), Plan(2, 30, 6, 20))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="half a minute of it")
    parser.add_argument("--json", type=Path, help="where every figure goes")
    asked = parser.parse_args()
    found = []
    for outcome in _run(QUICK if asked.quick else (*LENGTHS, *SIZES)):
        found.append(outcome)
        print("\n".join(lines(outcome)), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


def _run(plans: Sequence[Plan]) -> Iterator[dict[str, Any]]:
    for plan in plans:
        command = [sys.executable, "-m", "bench.scale.run", *map(str, astuple(plan))]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, timeout=_LONGEST_SECONDS
        )
        outcome: dict[str, Any] = json.loads(done.stdout)
        yield outcome


if __name__ == "__main__":
    main()
