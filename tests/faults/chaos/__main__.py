"""`python -m tests.faults.chaos --seed 1`: exit code 1 when anything is lost, wrong or left over."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos import report
from tests.faults.chaos.outcome import Settings
from tests.faults.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description="A laptop farm, and an adversary.")
    for name, default in {"frames": 5000, "jobs": 20, "agents": 8, "seed": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    parser.add_argument("--limit-seconds", type=float, default=540, help="for all jobs to end (default: 540)")
    parser.add_argument("--no-faults", action="store_true", help="only the fake Blender misbehaves")
    parser.add_argument("--keep", type=Path, help="a new folder for all that there is, logs too")
    asked = parser.parse_args()
    settings = Settings(
        frames=asked.frames,
        jobs=asked.jobs,
        agents=asked.agents,
        seed=asked.seed,
        faults=not asked.no_faults,
        limit_seconds=asked.limit_seconds,
    )
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = (asked.keep or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        outcome = run(folder, settings, lambda text: print(text, flush=True))
    print("\n".join(report.lines(outcome)), flush=True)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
