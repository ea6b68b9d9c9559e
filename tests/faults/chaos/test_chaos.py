"""The small version of `make chaos`: of 300 frames each is right in the end, or a plain failure."""

from __future__ import annotations

import os
from pathlib import Path

from tests.faults.chaos import report
from tests.faults.chaos.outcome import Settings
from tests.faults.chaos.run import run

SEED = int(os.environ.get("FARM_TEST_SEED", "7"))


def test_nothing_is_lost(tmp_path: Path) -> None:
    outcome = run(tmp_path, Settings(frames=300, jobs=6, agents=6, seed=SEED, limit_seconds=240), print)
    assert not outcome.problems, "\n".join(report.lines(outcome))
    assert outcome.faults["agents killed"]
    assert outcome.faults["messages duplicated"]
