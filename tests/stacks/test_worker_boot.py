"""What a machine is told when it boots, and that its programs and units agree with it."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract.boot import FAILED_AT, FAILURES, REASON, WORKER, boot_key
from functions.measure_backlog.silent_workers import SILENT_SECONDS
from stacks.assets import ROOT
from stacks.worker_boot import INSTALL_SECONDS
from tests.support.synthesized import Synthesized, synthesized
from tests.support.user_data import settings_in, written_files

BOOT = ROOT / "worker_agent/boot"
PREPARED = {"blender_node_image_id": "ami-0123456789abcdef0", "node_image_prepared": "yes"}


def user_data(farm: Synthesized) -> str:
    (template,) = farm.resources("AWS::EC2::LaunchTemplate")
    script: str = template.properties["LaunchTemplateData"]["UserData"]
    return script


def settings(farm: Synthesized, name: str) -> dict[str, str]:
    return settings_in(written_files(user_data(farm))[f"/etc/render-worker/{name}.env"])


def unit(name: str = "render-worker") -> Any:
    parser = configparser.ConfigParser(strict=False, delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # as configparser asks for
    parser.read(BOOT / f"{name}.service")
    return parser


def test_user_data_is_two_environment_files_and_the_boots_own_programs() -> None:
    script = user_data(synthesized())
    files = written_files(script)
    assert list(files) == [
        *(f"/etc/render-worker/{name}.env" for name in ("agent", "boot")),
        *(f"/opt/render-worker/boot/{name}.sh" for name in ("reasons", "give_up", "boot")),
    ]
    for name in ("reasons", "give_up", "boot"):
        assert files[f"/opt/render-worker/boot/{name}.sh"] == (BOOT / f"{name}.sh").read_text()
    assert script.splitlines()[-1] == "exec bash /opt/render-worker/boot/boot.sh"


def test_user_data_is_far_from_the_16_kb_that_ec2_takes() -> None:
    assert len(user_data(synthesized()).encode()) < 12_000


def test_boot_is_told_what_to_fetch_to_mount_and_where_to_report() -> None:
    farm = synthesized()
    told = settings(farm, "boot")
    assert told.pop("AGENT_ARCHIVE").startswith("s3://cdk-")
    assert told.pop("WHEELS_ARCHIVE").startswith("s3://cdk-")
    key = boot_key(settings(farm, "agent")["FARM_DEPLOY_VERSION"])
    assert json.loads(told.pop("BOOT_KEY")) == {name: {"S": value} for name, value in key.items()}
    assert told == {
        "INSTALL_MODE": "all",
        "INSTALL_SECONDS": "900",
        "FILE_SYSTEM": "Efs/Scratch/FileSystem",
        "ACCESS_POINT": "Efs/Scratch/FileSystem/AccessPoint",
        "AGENT_UID": "1100",
        "LOG_GROUP": "Compute/WorkerLog",
    }


def test_a_prepared_image_is_only_started_and_no_packages_are_published() -> None:
    told = settings(synthesized(**PREPARED), "boot")
    assert (told["INSTALL_MODE"], told["WHEELS_ARCHIVE"]) == ("start", "")


def test_a_failed_boot_is_counted_as_the_contract_says() -> None:
    script = (BOOT / "give_up.sh").read_text()
    (names,) = re.findall(r"'(\{\"#failures\".*\})'", script)
    assert list(json.loads(names).values()) == [FAILURES, REASON, WORKER, FAILED_AT]


def test_folders_and_user_are_the_same_in_settings_script_and_unit() -> None:
    told = settings(synthesized(), "agent")
    install, service = (BOOT / "install.sh").read_text(), unit()["Service"]
    for variable, name in (("WORK", "work"), ("SCRATCH", "scratch"), ("BLENDER", "blenders")):
        assert f"{name}=${{FARM_{variable}_DIRECTORY:-" in install
        assert told[f"FARM_{variable}_DIRECTORY"] in service["ReadWritePaths"].split()
    mounts = unit()["Unit"]["RequiresMountsFor"].split()
    assert mounts == [told["FARM_SCRATCH_DIRECTORY"], told["FARM_WORK_DIRECTORY"]]
    assert "\nuser=render-worker\n" in install
    assert service["User"] == service["Group"] == "render-worker"
    assert service["WorkingDirectory"] == "/opt/render-worker/agent"
    assert service["ExecStart"] == "/opt/render-worker/venv/bin/python -m worker_agent"
    text = (BOOT / "render-worker.service").read_text()
    assert text.index("=/etc/render-worker/agent.env") < text.index("=/etc/render-worker/instance.env")


def test_a_healthy_installation_has_time_and_a_hanging_one_ends_before_its_machine_counts_as_silent() -> None:
    assert INSTALL_SECONDS >= 600
    assert INSTALL_SECONDS + 60 < SILENT_SECONDS


def test_the_agent_is_started_again_and_outlives_its_blender() -> None:
    service = unit()["Service"]
    assert (service["Restart"], service["RestartSec"]) == ("always", "5")
    assert service["OOMPolicy"] == "continue", "Blender's end without memory is not the agent's"
    assert int(service["OOMScoreAdjust"]) < 0


def test_an_agent_that_ends_as_soon_as_it_begins_gives_its_machine_up() -> None:
    limits = unit()["Unit"]
    assert limits["OnFailure"] == "render-worker-failed.service"
    assert "/opt/render-worker/give_up.sh" in unit("render-worker-failed")["Service"]["ExecStart"]
    starts, minutes = int(limits["StartLimitBurst"]), int(limits["StartLimitIntervalSec"].removesuffix("min"))
    pause, never_ready = (int(unit()["Service"][name]) for name in ("RestartSec", "TimeoutStartSec"))
    assert starts * (pause + never_ready) < minutes * 60, "an agent that never gets ready counts"
    assert starts * pause > 60, "a service that is away for a minute costs no machine"


def test_an_agent_that_is_stopped_ends_before_systemd_kills_it() -> None:
    patience = int(unit()["Service"]["TimeoutStopSec"].removesuffix("s"))
    assert int(settings(synthesized(), "agent")["FARM_STOP_SECONDS"]) + 15 <= patience


def test_systemd_has_nothing_to_say_of_the_units(tmp_path: Path) -> None:
    """Its programs and users are those of a worker; what it says of anything else is wrong here, too."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    for path in BOOT.glob("*.service"):
        text = re.sub(r"(?m)^ExecStart=/opt\S+", "ExecStart=/bin/true", path.read_text())
        (tmp_path / path.name).write_text(text)
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.glob("*.service"))],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = [line for line in run.stderr.splitlines() if "render-worker" in line]
    assert said == []


def test_shellcheck_has_nothing_to_say_of_any_script() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("there is no shellcheck here")
    scripts = [*map(str, BOOT.glob("*.sh")), ".ci/run"]
    run = subprocess.run(
        ["shellcheck", "--external-sources", f"--source-path={ROOT}", *scripts],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout
