"""What the laptop farm deploys, and what it says when that fails."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from farm.local import cdk
from farm.local.cdk import DeployError, output_of
from farm.local.deployment import flatten
from farm.local.synthesis import fingerprint

LOG = Path("deploy.log")


def make_checkout(root: Path) -> Path:
    for name in ("app.py", "stacks/queues.py", "worker_agent/loop.py", "tests/test_x.py", "README.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("1")
    for name in ("cdk.json", "requirements.txt"):
        (root / name).write_text("1")
    return root


def test_a_deploy_is_due_when_deployed_code_changed(tmp_path: Path) -> None:
    root = make_checkout(tmp_path)
    before = fingerprint(root)
    (root / "tests/test_x.py").write_text("2")
    (root / "README.md").write_text("2")
    (root / "stacks/__pycache__").mkdir()
    (root / "stacks/__pycache__/queues.pyc").write_text("2")
    assert fingerprint(root) == before
    seen = {before}
    for name in ("app.py", "cdk.json", "stacks/queues.py", "worker_agent/loop.py"):
        (root / name).write_text("2")
        seen.add(fingerprint(root))
    (root / "stacks/queues.py").rename(root / "stacks/queue.py")
    seen.add(fingerprint(root))
    assert len(seen) == 6


def test_outputs_of_all_stacks() -> None:
    assert flatten({"A": {"X": "1"}, "B": {"Y": "2"}}) == {"X": "1", "Y": "2"}


def test_a_failed_command_ends_in_what_it_said_last(tmp_path: Path) -> None:
    program = "import sys; [print('line', i) for i in range(99)]; print('no such thing'); sys.exit(3)"
    with pytest.raises(DeployError, match=r"exit 3[\s\S]*no such thing") as caught:
        list(output_of([sys.executable, "-c", program], os.environ, cwd=tmp_path, log=LOG))
    assert "line 1\n" not in str(caught.value)


def test_a_command_that_is_left_alone_is_killed_at_once(tmp_path: Path) -> None:
    """As on Ctrl-C: its own children die with it."""
    program = (
        "import subprocess, sys, time; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        "print(p.pid, flush=True); time.sleep(60)"
    )
    began = time.monotonic()
    lines = output_of([sys.executable, "-c", program], os.environ, cwd=tmp_path, log=LOG)
    child = int(next(lines))
    lines.close()
    assert time.monotonic() - began < 10
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text():
        assert time.monotonic() - began < 10
        time.sleep(0.02)


def test_a_hanging_command_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdk, "COMMAND_SECONDS", 0.5)
    with pytest.raises(DeployError, match="exit -9"):
        list(
            output_of(
                [sys.executable, "-c", "import time; time.sleep(60)"], os.environ, cwd=tmp_path, log=LOG
            )
        )


def test_a_missing_command_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(DeployError, match=r"make \.venv"):
        cdk.cdk_command()
