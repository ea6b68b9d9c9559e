"""The cage within what the agent's unit takes from it: where no systemd runs, by the kernel's own means."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from contract.cage.bubblewrap import Confinement, caged
from contract.cage.probe import offered_options

ROOT = Path(__file__).resolve().parents[2]
UNIT = (ROOT / "worker_agent/boot/render-worker.service").read_text()
TAKEN = {
    "ProtectSystem=strict": "mount -o remount,bind,ro /",
    "PrivateTmp=yes": "mount -t tmpfs -o mode=1777 tmpfs /tmp",
    "ProtectHome=yes": "mount -t tmpfs -o mode=000,ro tmpfs /home",
    "ProtectControlGroups=yes": "for tree in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do"
    " mount -o remount,bind,ro $tree; done",
}
"""Lines of the unit, and what systemd does about them before it starts the agent."""
USER = (
    "exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --reuid=1100 --regid=1100 --clear-groups"
)
"""The same of NoNewPrivileges=yes, CapabilityBoundingSet= and User=."""
PLACE = Path("/tmp/place")


def _may_prepare_a_machine() -> bool:
    """Root with util-linux, in no container that keeps mounts from it."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        return False
    mount = ["unshare", "--mount", "mount", "--make-rprivate", "/"]
    return subprocess.run(mount, capture_output=True, check=False, timeout=20).returncode == 0


pytestmark = pytest.mark.skipif(not _may_prepare_a_machine(), reason="needs root, mounts and util-linux")


def try_a_cage(*prepared: str) -> subprocess.CompletedProcess[str]:
    """What a program in a cage says, on a machine that is prepared like this."""
    confinement = Confinement(readable=(), writable=(PLACE,))
    command = caged(
        ["/bin/sh", "-c", "echo caged >it; cat it"],
        confinement,
        environment={},
        folder=PLACE,
        offered=offered_options(),
    )
    place = f"mkdir {PLACE}; chown 1100:1100 {PLACE}"
    script = "\n".join(
        ["set -e", "mount --make-rprivate /", *prepared, place, f"{USER} {shlex.join(command)}"]
    )
    return subprocess.run(
        ["unshare", "--mount", "bash", "-c", script],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_cage_is_made_within_what_is_left_to_the_agent() -> None:
    for line in ("NoNewPrivileges=yes", "CapabilityBoundingSet=", *TAKEN):
        assert re.search(f"^{re.escape(line)}$", UNIT, re.MULTILINE), line
    run = try_a_cage(*TAKEN.values())
    assert (run.returncode, run.stdout) == (0, "caged\n"), run.stderr


def test_a_part_of_proc_that_is_covered_leaves_no_cage() -> None:
    """As ProtectKernelLogs or ProtectKernelTunables would: the reason why they are not in the unit."""
    run = try_a_cage(TAKEN["PrivateTmp=yes"], "mount -t tmpfs tmpfs /proc/sys/fs")
    assert run.returncode != 0
    assert "proc" in run.stderr
