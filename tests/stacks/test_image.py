"""The recipe of the workers' image: what it is made of, on what, and that it is left out unless asked for."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from stacks.config import ConfigError
from tests.stacks.test_config import config
from tests.support.synthesized import REGION, ROOT, Synthesized, synthesized

BUILDER = "AWS::ImageBuilder"
OWN = {"blender_node_image_id": "ami-0123456789abcdef0"}


def farm(**variables: str) -> Synthesized:
    return synthesized(build_node_image="yes", **variables)


def one(kind: str, **variables: str) -> Any:
    (found,) = farm(**variables).resources(f"{BUILDER}::{kind}")
    return found.properties


def document() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(one("Component")["Data"])
    return parsed


def scripts() -> dict[str, str]:
    """What each step runs, by its name, in the order of the steps."""
    return {
        step["name"]: "\n".join(step["inputs"]["commands"])
        for phase in document()["phases"]
        for step in phase["steps"]
    }


def test_nothing_of_it_is_deployed_unless_it_is_asked_for() -> None:
    assert "Image" not in synthesized().templates
    assert list(synthesized().resources(f"{BUILDER}::ImagePipeline")) == []
    assert "Image" in farm().templates


@pytest.mark.parametrize(
    ("variables", "base"),
    [
        ({}, "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"),
        (
            {"instance_types": "g5.xlarge"},
            "ssm:/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id",
        ),
        (OWN, "ami-0123456789abcdef0"),
        (
            {**OWN, "node_image_prepared": "yes"},
            "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        ),
        (
            {**OWN, "node_image_prepared": "yes", "instance_types": "g4ad.xlarge"},
            "ami-0123456789abcdef0",
        ),
    ],
    ids=["CPU", "GPU", "a named one", "not what it made before", "unless only that has the driver"],
)
def test_an_image_begins_with_what_the_workers_begin_with(variables: dict[str, str], base: str) -> None:
    assert one("ImageRecipe", **variables)["ParentImage"] == base


@pytest.mark.parametrize("variables", [{}, {"instance_types": "g5.xlarge"}], ids=["CPU", "GPU"])
def test_the_image_fits_the_workers_disk_and_is_encrypted(variables: dict[str, str]) -> None:
    (image_disk,) = one("ImageRecipe", **variables)["BlockDeviceMappings"]
    (template,) = farm(**variables).resources("AWS::EC2::LaunchTemplate")
    disks = {
        disk["DeviceName"]: disk["Ebs"]
        for disk in template.properties["LaunchTemplateData"]["BlockDeviceMappings"]
    }
    assert image_disk["Ebs"]["VolumeSize"] <= disks[image_disk["DeviceName"]]["VolumeSize"]
    assert image_disk["Ebs"]["Encrypted"] is True


def test_the_component_runs_the_install_script_that_workers_run() -> None:
    steps = scripts()
    assert list(steps) == ["Fetch", "Prepare", "Tidy", "Validate"]
    (script,) = re.findall(r"bash /opt/render-worker/agent/(\S+) prepare$", steps["Prepare"])
    assert (ROOT / script).is_file()
    assert "FARM_BLENDER_RUNTIMES='4.2.23,4.5.15,5.0.1,5.2.3'" in steps["Prepare"]
    assert "AGENT_UID=1100" in steps["Prepare"], "the user that owns the scratch space"
    assert f"AWS_DEFAULT_REGION={REGION}" in steps["Fetch"]


def test_each_step_ends_at_its_first_error_and_what_it_says_is_bash() -> None:
    assert document()["schemaVersion"] == "1.0"
    for phase in document()["phases"]:
        for step in phase["steps"]:
            assert (step["action"], step["onFailure"]) == ("ExecuteBash", "Abort")
            assert step["inputs"]["commands"][0] == "set -eu"
    for name, script in scripts().items():
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, f"{name}: {checked.stderr}"


def test_no_agent_of_the_build_stays_in_the_image() -> None:
    assert "rm -rf /opt/render-worker/agent /opt/render-worker/wheels" in scripts()["Tidy"]


def test_what_image_builder_has_made_never_changes_under_its_name() -> None:
    """It refuses another content of a name and version that it has: what changes has another name."""
    names = [
        one("Component", **variables)["Name"]
        for variables in ({}, {"blender_versions": "4.5.15"}, {"instance_types": "g5.xlarge"}, OWN)
    ]
    assert len(set(names)) == len(names)
    for kind in ("Component", "ImageRecipe", "InfrastructureConfiguration", "DistributionConfiguration"):
        assert one(kind)["Name"] == names[0]
    assert re.fullmatch(r"[-_A-Za-z0-9][-_A-Za-z0-9 ]{1,126}[-_A-Za-z0-9]", names[0])


def test_it_is_built_on_a_cheap_machine_that_ends_and_runs_only_when_told() -> None:
    infrastructure = one("InfrastructureConfiguration")
    assert all(name.endswith(".large") for name in infrastructure["InstanceTypes"])
    assert infrastructure["TerminateInstanceOnFailure"] is True
    assert infrastructure["InstanceMetadataOptions"]["HttpTokens"] == "required"
    pipeline = one("ImagePipeline")
    assert "Schedule" not in pipeline
    assert pipeline["ImageTestsConfiguration"] == {"ImageTestsEnabled": False}, "a second machine"
    assert farm().outputs()["ImagePipelineArn"]


def test_an_image_that_is_said_to_be_prepared_has_to_be_named() -> None:
    with pytest.raises(ConfigError, match="blender_node_image_id beside it"):
        config(node_image_prepared="yes")
