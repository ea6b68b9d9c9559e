"""The systemd unit of the agent: what it promises, and what it must not forbid."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from contract.leases import LEASE_SECONDS
from contract.settings import AgentSettings
from worker_agent.services.clients import Clients
from worker_agent.telemetry import metric_sinks
from worker_agent.telemetry.cloud_log import END_SECONDS
from worker_agent.watchdog import BEAT_SECONDS

UNIT = Path(__file__).resolve().parents[2] / "worker_agent/boot/render-worker.service"
MOST_EXPOSED = 3.9
"""Of 10, by systemd's own count, in which a service without any protection has 9.6."""
SPOT_SECONDS = 120
"""From EC2's notice to the machine's end."""
FORBIDDEN = (
    "RestrictNamespaces",
    "ProtectKernelTunables",
    "ProtectKernelLogs",
    "ProtectProc",
    "ProcSubset",
    "PrivateDevices",
    "ProtectClock",
    "MemoryDenyWriteExecute",
    "MemoryHigh",
)
"""Each would break the cage, a GPU or Blender, or slow the agent down with it."""


def service() -> dict[str, str]:
    unit = configparser.ConfigParser(strict=False, delimiters="=", interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]  # as configparser asks for
    unit.read(UNIT)
    return dict(unit["Service"])


def test_the_agent_notifies_and_is_watched() -> None:
    assert service()["Type"] == "notify"
    assert service()["WatchdogSignal"] == "SIGABRT"
    assert service()["LimitCORE"] == "0"
    assert int(service()["WatchdogSec"]) >= 20 * BEAT_SECONDS


def test_a_call_that_hangs_for_as_long_as_it_may_is_not_taken_for_a_stuck_agent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients = Clients.connect()
    for name in Clients.__dataclass_fields__:
        config: Any = getattr(clients, name).meta.config
        tries = config.retries["total_max_attempts"]
        longest_seconds = tries * (config.connect_timeout + config.read_timeout)
        assert 2 * longest_seconds <= int(service()["WatchdogSec"]), name


def test_a_task_of_a_stuck_agent_is_back_before_long() -> None:
    """Its lease is renewed all the while; it lapses after the agent's end."""
    assert int(service()["WatchdogSec"]) + int(service()["TimeoutAbortSec"]) + LEASE_SECONDS <= 600


def test_a_spot_machine_is_not_gone_before_its_agent_has_given_its_work_back() -> None:
    """EC2 gives two minutes; the agent that is told to stop then has some of them for its last words."""
    stop_seconds = next(f.default for f in fields(AgentSettings) if f.name == "stop_seconds")
    assert isinstance(stop_seconds, int)
    last_words_seconds = 3 * END_SECONDS + metric_sinks.END_SECONDS
    assert stop_seconds + last_words_seconds <= int(service()["TimeoutStopSec"]) < SPOT_SECONDS


def test_without_memory_blender_goes_before_the_agent() -> None:
    assert service()["OOMPolicy"] == "continue"
    assert int(service()["OOMScoreAdjust"]) < 0
    assert 80 <= int(service()["MemoryMax"].removesuffix("%")) <= 95


@pytest.mark.parametrize("setting", FORBIDDEN)
def test_what_would_break_blenders_cage_is_not_set(setting: str) -> None:
    assert setting not in service()


def test_the_filter_of_system_calls_leaves_what_the_cage_is_made_with() -> None:
    denied = service()["SystemCallFilter"]
    assert denied.startswith("~")
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    groups = re.findall(r"@[a-z-]+", denied)
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", *groups],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    needed = {"clone", "clone3", "unshare", "setns", "mount", "umount2", "pivot_root", "seccomp", "prctl"}
    assert needed.isdisjoint(listed)
    assert "reboot" in listed


def test_systemd_finds_the_agent_little_exposed(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    run = subprocess.run(
        [*command, f"--threshold={round(MOST_EXPOSED * 10)}", str(unit)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout[-400:]
