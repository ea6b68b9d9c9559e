"""What a process has had of memory at its peak, from the system's own books."""

from __future__ import annotations

import subprocess
import sys

import pytest

from worker_agent.cage.family import forget_peaks, memory_bytes, peak_memory_bytes

MIB = 1024**2
SCRIPT = """
import sys
for line in sys.stdin:
    held = b"a" * (int(line) << 20)
    del held
    print("done", flush=True)
"""
"""Has so many MiB for a moment as it is told, as Blender has while it renders."""


def test_the_peak_is_that_of_the_time_since_it_was_forgotten() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        assert child.stdin and child.stdout

        def after(mebibytes: int) -> float:
            """What its peak is above what it has, in MiB, when it has had so many more."""
            assert child.stdin and child.stdout
            child.stdin.write(f"{mebibytes}\n")
            assert child.stdout.readline() == "done\n"
            return (peak_memory_bytes([child.pid]) - memory_bytes([child.pid])) / MIB

        assert after(200) == pytest.approx(200, abs=8)
        assert after(100) == pytest.approx(200, abs=8)
        forget_peaks([child.pid])
        assert after(100) == pytest.approx(100, abs=8)
        assert peak_memory_bytes([child.pid, child.pid]) == 2 * peak_memory_bytes([child.pid])
        child.stdin.close()
    forget_peaks([child.pid])
    assert peak_memory_bytes([child.pid]) == 0, "it has ended"
