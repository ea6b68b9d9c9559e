"""What the system ends first without memory: real children, and the process that starts them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contract.cage.probe import offered_options
from worker_agent.blender import BlenderSession, Runtime
from worker_agent.cage import Bars
from worker_agent.cage.family import descendants
from worker_agent.memory_order import FIRST_TO_GO
from worker_agent.output_check import OutputChecker

if not Path("/proc/self/oom_score_adj").exists():
    pytest.skip("the system has no such score", allow_module_level=True)
OWN = Path("/proc/self/oom_score_adj")


def scores(*pids: int) -> list[int]:
    return [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in pids]


@pytest.mark.parametrize("caged", [False, True])
def test_blender_goes_before_the_agent_in_a_cage_and_without(tmp_path: Path, caged: bool) -> None:
    (tmp_path / "frames").mkdir()
    bars = Bars(offered=offered_options(), readable=(), writable=(tmp_path / "frames",)) if caged else None
    with BlenderSession.start(
        runtime=Runtime.of(sys.executable),
        workdir=tmp_path / "home",
        log_path=tmp_path / "blender.log",
        start_timeout_seconds=120,
        bars=bars,
    ) as blender:
        family = [blender.pid, *descendants(blender.pid)]
        assert len(family) > 1 or not caged
        assert scores(*family) == [FIRST_TO_GO] * len(family)
    assert int(OWN.read_text()) < FIRST_TO_GO


def test_what_opens_strangers_pictures_goes_before_the_agent_too() -> None:
    checker = OutputChecker()
    checker.start()
    try:
        assert checker.pid
        assert scores(checker.pid) == [FIRST_TO_GO]
    finally:
        checker.close()
