from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract.lifecycle import TERMINATION_HOOK
from contract.runtimes import RuntimeForm, parse_runtimes
from contract.settings import AgentSettings
from functions.measure_backlog.silent_workers import SILENT_SECONDS
from stacks.assets import ROOT
from stacks.worker_boot import AGENT_FOLDER, SETTINGS_FILE
from tests.support.synthesized import Synthesized, synthesized


def machine(farm: Synthesized) -> dict[str, Any]:
    (template,) = farm.resources("AWS::EC2::LaunchTemplate")
    data: dict[str, Any] = template.properties["LaunchTemplateData"]
    return data


def group(farm: Synthesized) -> dict[str, Any]:
    return dict(farm.resource("AWS::AutoScaling::AutoScalingGroup", "Compute/Workers/ASG").properties)


def agent_environment(farm: Synthesized) -> dict[str, str]:
    """The file that the user data writes."""
    script: str = machine(farm)["UserData"]
    lines = script.split("<<'END'\n")[1].split("\nEND\n")[0].splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_the_agent_can_read_its_settings() -> None:
    environment = agent_environment(synthesized())
    assert environment["FARM_WORKER_ID"] == ""
    assert AgentSettings.from_env({**environment, "FARM_WORKER_ID": "i-1"}) == AgentSettings(
        render_bucket_name="Storage/RenderBucket",
        job_table_name="Storage/JobTable",
        bake_queue_url="Queues/BakeQueue",
        render_queue_url="Queues/RenderQueue",
        urgent_queue_url="Queues/UrgentQueue",
        dead_letter_queue_url="Queues/DeadLetterQueue",
        cloudwatch_namespace="AutoBlenderRender",
        worker_asg_name="AutoBlenderRender-Compute-Workers",
        worker_id="i-1",
        scratch_directory="/mnt/scratch",
        work_directory="/var/lib/render-worker",
        blender_runtimes="4.2.23,4.5.15,5.0.1,5.2.3",
        blender_directory="/opt/render-worker/blender",
        worker_version=environment["FARM_WORKER_VERSION"],
        deploy_version=environment["FARM_DEPLOY_VERSION"],
        lease_seconds=120,
        poll_seconds=20,
        idle_seconds=20,
        log_group_name="Compute/WorkerLog",
        stop_seconds=60,
    )
    assert environment["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_workers_are_told_the_blenders_that_the_variable_names() -> None:
    told = agent_environment(synthesized(blender_versions="5.2.3, 4.5.15"))["FARM_BLENDER_RUNTIMES"]
    assert [(spec.version, spec.form) for spec in parse_runtimes(told)] == [
        ("5.2.3", RuntimeForm.EXECUTABLE),
        ("4.5.15", RuntimeForm.EXECUTABLE),
    ]


def test_the_lease_is_the_queues_own_visibility() -> None:
    farm = synthesized()
    for name in ("BakeQueue", "RenderQueue", "UrgentQueue"):
        visibility = farm.resource("AWS::SQS::Queue", f"Queues/{name}").properties["VisibilityTimeout"]
        assert agent_environment(farm)["FARM_LEASE_SECONDS"] == str(visibility)


def test_boot_script_and_unit_agree_with_the_user_data() -> None:
    script = machine(synthesized())["UserData"]
    boot = ROOT / "worker_agent/boot"
    install, unit = (boot / "install.sh").read_text(), (boot / "render-worker.service").read_text()
    environment = agent_environment(synthesized())
    call = shlex.split(script.splitlines()[-1])
    assert call[3:5] == ["bash", f"{AGENT_FOLDER}/worker_agent/boot/install.sh"]
    assert call[5:] == ["Efs/Scratch/FileSystem", "Efs/Scratch/FileSystem/AccessPoint", "1100"]
    assert "file_system=$1 access_point=$2 uid=$3" in install
    agent = call[4].removesuffix("/worker_agent/boot/install.sh")
    assert f"WorkingDirectory={agent}\n" in unit
    assert f"python3 -m zipfile -e /tmp/agent.zip {agent}\n" in script
    assert SETTINGS_FILE in script
    assert unit.index(f"EnvironmentFile={SETTINGS_FILE}") < unit.index(
        "EnvironmentFile=/etc/render-worker/instance.env"
    )
    assert 'echo "FARM_WORKER_ID=' in install
    assert "base=/opt/render-worker\n" in install and '"$base/venv/bin/python" -m pip install' in install
    assert "ExecStart=/opt/render-worker/venv/bin/python -m worker_agent\n" in unit
    folders = ("FARM_SCRATCH_DIRECTORY", "FARM_WORK_DIRECTORY", "FARM_BLENDER_DIRECTORY")
    assert f"ReadWritePaths={' '.join(environment[name] for name in folders)}\n" in unit
    assert 'install -d -m 700 -o render-agent -g render-agent "$FARM_WORK_DIRECTORY" ' in install
    assert '"$FARM_BLENDER_DIRECTORY"' in install


@pytest.mark.parametrize(("install", "goes_off"), [("exit 0", False), ("exit 3", True), ("sleep 60", True)])
def test_a_machine_that_cannot_be_set_up_in_time_turns_itself_off(
    install: str, goes_off: bool, tmp_path: Path
) -> None:
    """The user data's own trap and last command, with an installation that ends well, badly or never."""
    script = machine(synthesized())["UserData"].splitlines()
    (tmp_path / "install.sh").write_text(install)
    for name in ("shutdown", "sleep"):
        (tmp_path / name).write_text(f'#!/bin/bash\necho {name} "$@" >>{tmp_path}/called\n')
        (tmp_path / name).chmod(0o755)
    (trap,) = [line for line in script if line.startswith("trap ")]
    command, limits = re.subn(
        r"(--kill-after=\d+) \d+ bash \S+", rf"\1 0.5 bash {tmp_path}/install.sh", script[-1]
    )
    assert limits == 1
    (tmp_path / "install.sh").write_text(install.replace("sleep", "exec /bin/sleep"))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-euc", f"{trap}\n{command}"], env=environment, check=False, timeout=30)
    called = (tmp_path / "called").read_text() if (tmp_path / "called").exists() else ""
    assert called == ("sleep 60\nshutdown -h now\n" if goes_off else "")


def test_a_healthy_installation_has_time_and_a_hanging_one_ends_before_its_machine_counts_as_silent() -> None:
    _, kill_after, seconds, *_ = shlex.split(machine(synthesized())["UserData"].splitlines()[-1])
    assert int(seconds) >= 600
    assert int(seconds) + int(kill_after.removeprefix("--kill-after=")) + 60 < SILENT_SECONDS


def test_the_agent_is_started_again_and_outlives_its_blender() -> None:
    unit = configparser.ConfigParser(strict=False, delimiters="=")
    unit.optionxform = str  # type: ignore[method-assign,assignment]  # as configparser asks for
    unit.read(ROOT / "worker_agent/boot/render-worker.service")
    assert (unit["Service"]["Restart"], unit["Service"]["RestartSec"]) == ("always", "5")
    assert unit["Service"]["OOMPolicy"] == "continue", "Blender's end without memory is not the agent's"
    assert int(unit["Service"]["OOMScoreAdjust"]) < 0


def test_an_agent_that_ends_as_soon_as_it_begins_turns_its_machine_off() -> None:
    unit = configparser.ConfigParser(strict=False, delimiters="=")
    unit.optionxform = str  # type: ignore[method-assign,assignment]  # as configparser asks for
    unit.read(ROOT / "worker_agent/boot/render-worker.service")
    limits = unit["Unit"]
    assert limits["StartLimitAction"] == "poweroff-force"
    starts, minutes = int(limits["StartLimitBurst"]), int(limits["StartLimitIntervalSec"].removesuffix("min"))
    pause = int(unit["Service"]["RestartSec"])
    assert starts * (pause + 30) < minutes * 60, "an agent that dies half a minute after its start counts"
    assert starts * pause > 60, "a service that is away for a minute costs no machine"


def test_systemd_has_nothing_to_say_of_the_unit(tmp_path: Path) -> None:
    """Its programs and users are those of a worker; what it says of anything else is wrong here, too."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd here")
    unit = (ROOT / "worker_agent/boot/render-worker.service").read_text()
    unit = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", unit)
    (tmp_path / "render-worker.service").write_text(unit)
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "render-worker.service")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said = [line for line in run.stderr.splitlines() if "render-worker" in line]
    assert said == []


def test_a_worker_gives_its_credentials_to_no_stray_request() -> None:
    assert machine(synthesized())["MetadataOptions"]["HttpTokens"] == "required"
    assert machine(synthesized())["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_every_disk_is_encrypted() -> None:
    (disk,) = machine(synthesized())["BlockDeviceMappings"]
    assert disk["Ebs"]["Encrypted"] is True
    assert disk["Ebs"]["VolumeType"] == "gp3"


def test_image_is_amazon_linux_unless_named() -> None:
    parameters = synthesized().templates["Compute"]["Parameters"]
    (default,) = [
        p["Default"] for n, p in parameters.items() if machine(synthesized())["ImageId"].endswith(n)
    ]
    assert default.startswith("/aws/service/ami-amazon-linux-latest/al2023-ami-") and "x86_64" in default
    named = synthesized(blender_node_image_id="ami-0123456789abcdef0")
    assert machine(named)["ImageId"] == "ami-0123456789abcdef0"


def test_the_fleet_rests_at_zero_and_a_deploy_leaves_its_size() -> None:
    properties = group(synthesized(worker_node_max_count="7"))
    assert (properties["MinSize"], properties["MaxSize"]) == ("0", "7")
    assert "DesiredCapacity" not in properties


def test_a_fleet_of_one_may_be_spot() -> None:
    distribution = group(synthesized())["MixedInstancesPolicy"]["InstancesDistribution"]
    assert distribution["OnDemandBaseCapacity"] == 0
    assert distribution["OnDemandPercentageAboveBaseCapacity"] == 0
    assert distribution["SpotAllocationStrategy"] == "price-capacity-optimized"


def test_machines_are_of_the_types_named_and_none_weighs_more() -> None:
    farm = synthesized(instance_types="c5.large,g4dn.xlarge", on_demand_percentage="30")
    policy = group(farm)["MixedInstancesPolicy"]
    assert policy["LaunchTemplate"]["Overrides"] == [
        {"InstanceType": "c5.large"},
        {"InstanceType": "g4dn.xlarge"},
    ]
    assert policy["InstancesDistribution"]["OnDemandPercentageAboveBaseCapacity"] == 30


def test_a_machine_is_not_taken_away_before_its_agent_has_found_nothing_to_do() -> None:
    assert group(synthesized())["NewInstancesProtectedFromScaleIn"] is True


def test_the_group_takes_the_name_it_is_given_everywhere() -> None:
    farm = synthesized(worker_asg_name="renderers")
    assert group(farm)["AutoScalingGroupName"] == "renderers"
    assert agent_environment(farm)["FARM_WORKER_ASG_NAME"] == "renderers"


def test_a_machine_that_the_group_ends_first_gives_its_work_back() -> None:
    farm = synthesized()
    (hook,) = farm.resources("AWS::AutoScaling::LifecycleHook")
    assert hook.properties == {
        "AutoScalingGroupName": group(farm)["AutoScalingGroupName"],
        "LifecycleHookName": TERMINATION_HOOK,
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
        "HeartbeatTimeout": 120,
        "DefaultResult": "CONTINUE",
    }


def test_a_machine_likely_to_be_taken_back_is_replaced_before_it_is() -> None:
    assert group(synthesized())["CapacityRebalance"] is True


def test_an_agent_that_is_stopped_ends_before_systemd_kills_it() -> None:
    unit = (ROOT / "worker_agent/boot/render-worker.service").read_text()
    (patience,) = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(agent_environment(synthesized())["FARM_STOP_SECONDS"]) + 15 <= int(patience)
