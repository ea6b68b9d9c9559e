"""A GPU is woken before Blender's cage closes; without one, or with a broken one, the machine boots on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[2] / "worker_agent/boot/install.sh"


def wake(programs: Path, **fakes: str) -> subprocess.CompletedProcess[str]:
    """Runs that step of the install script where only these programs can be found."""
    programs.mkdir()
    for name, script in fakes.items():
        path = programs / name.replace("_", "-")
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
    step = re.search(r"^wake_gpu\(\) \{\n.*?^\}$", INSTALL.read_text(), re.M | re.S)
    assert step
    script = f"set -Eeuo pipefail; trap 'echo died; exit 9' ERR\n{step[0]}\nwake_gpu; echo on"
    return subprocess.run(
        ["/bin/bash", "-c", script], env={"PATH": str(programs)}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("fakes", "said"),
    [
        ({}, "on\n"),
        (
            {"nvidia_smi": "echo smi $*", "nvidia_modprobe": "echo modprobe $*"},
            "smi -L\nmodprobe -u -c 0\non\n",
        ),
        (
            {"nvidia_smi": "exit 6", "nvidia_modprobe": "echo modprobe"},
            "render-worker install: `nvidia-smi -L` failed: 6\nmodprobe\non\n",
        ),
    ],
    ids=["no GPU", "a GPU", "a broken one"],
)
def test_the_machine_boots_on(tmp_path: Path, fakes: dict[str, str], said: str) -> None:
    done = wake(tmp_path / "bin", **fakes)
    assert (done.stdout, done.returncode) == (said, 0), done.stderr


def test_it_is_woken_before_the_agent_is_started() -> None:
    steps = re.findall(r'^ *step "([^"]+)"', INSTALL.read_text(), re.M)
    assert steps.index("GPU") < steps.index("agent")
