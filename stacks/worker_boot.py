"""How a fresh machine becomes a worker: its image and its user data.

The programs are in worker_agent/boot. Three of them are in the user data itself, for a machine that cannot
even fetch the agent must say so.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import jsii
from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from contract.boot import boot_key
from contract.settings import AgentSettings
from stacks.assets import ROOT
from stacks.instance_types import Gpu, image_parameter
from stacks.scratch import AGENT_UID, Scratch

CONFIG_FOLDER: Final = "/etc/render-worker"
BOOT_FOLDER: Final = "/opt/render-worker/boot"
INSTALL_SECONDS: Final = 15 * 60
"""Several times what it takes: an installation that hangs has failed."""
WORK_DEVICE: Final = "/dev/sdf"
_PROGRAMS: Final = ("reasons.sh", "give_up.sh", "boot.sh")
_END: Final = "END-OF-FILE"


@jsii.implements(ec2.IMachineImage)
class FixedImage:
    """An image by its id, in whatever region the farm is deployed."""

    def __init__(self, image_id: str) -> None:
        self._image_id = image_id

    @jsii.member(jsii_name="getImage")
    def get_image(self, scope: Construct) -> ec2.MachineImageConfig:
        return ec2.MachineImageConfig(
            image_id=self._image_id,
            os_type=ec2.OperatingSystemType.LINUX,
            user_data=ec2.UserData.for_linux(),
        )


def machine_image(image_id: str, gpu: Gpu | None) -> ec2.IMachineImage:
    """The image of that id; for an empty one the latest Amazon Linux 2023 (x86-64) at each deploy, with
    NVIDIA's driver for machines that have a GPU."""
    if image_id:
        image: ec2.IMachineImage = FixedImage(image_id)
        return image
    if gpu:
        return ec2.MachineImage.from_ssm_parameter(image_parameter(gpu))
    return ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.X86_64)


@dataclass(frozen=True, slots=True, kw_only=True)
class BootParts:
    """What a machine is made of and reports to."""

    agent: Asset
    wheels: Asset | None
    """The agent's packages; None: the image has them."""
    scratch: Scratch
    log_group_name: str


def user_data(*, parts: BootParts, settings: AgentSettings) -> ec2.UserData:
    """Writes the settings and the boot's programs, and starts them.

    The archives' addresses hold the hashes of what is in them: another agent is another template version.
    """
    data = ec2.UserData.for_linux(shebang="#!/bin/bash -eu")
    agent = {**settings.to_env(), "AWS_DEFAULT_REGION": Aws.REGION}
    data.add_commands(
        *_file(f"{CONFIG_FOLDER}/agent.env", [f"{name}={value}" for name, value in agent.items()])
    )
    boot = _boot_settings(parts, settings)
    lines = [f"{name}={shlex.quote(value)}" for name, value in boot.items()]
    data.add_commands(*_file(f"{CONFIG_FOLDER}/boot.env", lines))
    for name in _PROGRAMS:
        program = (ROOT / "worker_agent/boot" / name).read_text("utf-8")
        data.add_commands(*_file(f"{BOOT_FOLDER}/{name}", program.splitlines()))
    data.add_commands(f"exec bash {BOOT_FOLDER}/boot.sh")
    return data


def _boot_settings(parts: BootParts, settings: AgentSettings) -> Mapping[str, str]:
    key = {name: {"S": value} for name, value in boot_key(settings.deploy_version).items()}
    return {
        "AGENT_ARCHIVE": parts.agent.s3_object_url,
        "WHEELS_ARCHIVE": parts.wheels.s3_object_url if parts.wheels else "",
        "INSTALL_MODE": "all" if parts.wheels else "start",
        "INSTALL_SECONDS": str(INSTALL_SECONDS),
        "FILE_SYSTEM": parts.scratch.file_system.file_system_id,
        "ACCESS_POINT": parts.scratch.access_point.access_point_id,
        "AGENT_UID": str(AGENT_UID),
        "LOG_GROUP": parts.log_group_name,
        "BOOT_KEY": json.dumps(key),
    }


def _file(path: str, lines: list[str]) -> list[str]:
    """Commands that write a file. Its text ends the command where it has the mark alone in a line."""
    assert _END not in lines, path
    return [f"install -D -m 644 /dev/stdin {path} <<'{_END}'", *lines, _END]
