"""How a fresh machine becomes a worker: its image and its user data."""

from __future__ import annotations

import jsii
from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from contract.settings import AgentSettings
from stacks.instance_types import GPU_IMAGE_PARAMETER, Gpu
from stacks.scratch import AGENT_UID, Scratch

SETTINGS_FILE = "/etc/render-worker/agent.env"
AGENT_FOLDER = "/opt/render-worker/agent"
INSTALL_SECONDS = 15 * 60
"""Several times what it takes: an installation that hangs has failed."""
KILL_SECONDS = 30


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
        return ec2.MachineImage.from_ssm_parameter(GPU_IMAGE_PARAMETER)
    return ec2.MachineImage.latest_amazon_linux2023(cpu_type=ec2.AmazonLinuxCpuType.X86_64)


def user_data(*, agent: Asset, settings: AgentSettings, scratch: Scratch) -> ec2.UserData:
    """Writes the agent's settings, fetches the agent, and leaves the rest to its install script.

    The agent's address holds the hash of its code, so another agent is another launch-template version.
    """
    variables = {**settings.to_env(), "AWS_DEFAULT_REGION": Aws.REGION}
    archive = "/tmp/agent.zip"
    data = ec2.UserData.for_linux(shebang="#!/bin/bash -eu")
    # a machine that cannot be set up must not stay, billed and idle: once off, its group replaces it
    data.add_commands("trap '[ $? = 0 ] || { sleep 60; shutdown -h now; }' EXIT")
    data.add_commands(
        f"install -D -m 644 /dev/stdin {SETTINGS_FILE} <<'END'",
        *(f"{name}={value}" for name, value in variables.items()),
        "END",
    )
    data.add_s3_download_command(
        bucket=agent.bucket, bucket_key=agent.s3_object_key, local_file=archive, region=Aws.REGION
    )
    data.add_commands(
        f"rm -rf {AGENT_FOLDER} && python3 -m zipfile -e {archive} {AGENT_FOLDER}",
        f"timeout --kill-after={KILL_SECONDS} {INSTALL_SECONDS} "
        f"bash {AGENT_FOLDER}/worker_agent/boot/install.sh "
        f"{scratch.file_system.file_system_id} {scratch.access_point.access_point_id} {AGENT_UID}",
    )
    return data
