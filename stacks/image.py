"""An image of its own for the workers: with the agent's packages and the Blenders in it, they start sooner.

Deployed with build_node_image=yes, and run by hand: docs/boot.md says how, what it costs and what it saves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aws_cdk import Aws, CfnOutput, Environment, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_imagebuilder as imagebuilder
from aws_cdk import aws_logs as logs
from constructs import Construct

from contract.runtimes import RuntimeSpec, format_runtimes
from stacks.agent_wheels import agent_wheels, packages_hash
from stacks.assets import agent_code
from stacks.config import FarmConfig
from stacks.image_builder_role import ImageBuilderRole
from stacks.image_component import preparing_component
from stacks.instance_types import driver_wanted, image_parameter, system_disk_gib

BUILD_MACHINES: Final = ["m6i.large", "m5.large"]
"""It unpacks and copies: a GPU's driver is in the image that it begins with, and no GPU is needed."""
VERSION: Final = "1.0.0"
"""Of everything here: what Image Builder has made never changes, so what changes has another name."""


class ImageStack(Stack):
    """Depends on network. Image Builder's recipe, and all that it wants around one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        config: FarmConfig,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        wheels: Callable[[], Path],
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        agent = agent_code(self, "Agent")
        packages = agent_wheels(self, "AgentWheels", wheels())
        runtimes = format_runtimes(RuntimeSpec(version=version) for version in config.blender_versions)
        document = preparing_component(agent=agent, wheels=packages, blender_runtimes=runtimes)
        base = _base_image(config)
        disk_gib = system_disk_gib(config.gpu)
        parts = "\0".join((agent.asset_hash, packages_hash(), runtimes, base, str(disk_gib)))
        name = f"{config.farm_name}-worker-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"
        component = imagebuilder.CfnComponent(
            self,
            "Prepare",
            name=name,
            version=VERSION,
            platform="Linux",
            description="What install.sh prepare makes: the agent's packages and the Blenders",
            data=self.to_json_string(document),
        )
        recipe = self._recipe(name, base=base, disk_gib=disk_gib, component=component)
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/imagebuilder/{name}",  # where Image Builder writes, whatever is said
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = ImageBuilderRole(self, "BuilderRole", archives=[agent, packages], component=component, log=log)
        pipeline = imagebuilder.CfnImagePipeline(
            self,
            "Pipeline",
            name=name,
            image_recipe_arn=recipe.attr_arn,
            infrastructure_configuration_arn=self._infrastructure(name, role, vpc, security_group),
            distribution_configuration_arn=self._distribution(name, config.farm_name),
            enhanced_image_metadata_enabled=False,  # the machine's inventory, which nobody asks for
            image_tests_configuration=imagebuilder.CfnImagePipeline.ImageTestsConfigurationProperty(
                image_tests_enabled=False  # the component validates what it made, without a second machine
            ),
        )
        CfnOutput(self, "ImagePipelineArn", value=pipeline.attr_arn)

    def _recipe(
        self, name: str, *, base: str, disk_gib: int, component: imagebuilder.CfnComponent
    ) -> imagebuilder.CfnImageRecipe:
        return imagebuilder.CfnImageRecipe(
            self,
            "Recipe",
            name=name,
            version=VERSION,
            parent_image=base,
            components=[
                imagebuilder.CfnImageRecipe.ComponentConfigurationProperty(component_arn=component.attr_arn)
            ],
            block_device_mappings=[
                imagebuilder.CfnImageRecipe.InstanceBlockDeviceMappingProperty(
                    device_name="/dev/xvda",
                    ebs=imagebuilder.CfnImageRecipe.EbsInstanceBlockDeviceSpecificationProperty(
                        volume_size=disk_gib, volume_type="gp3", encrypted=True, delete_on_termination=True
                    ),
                )
            ],
        )

    def _infrastructure(
        self, name: str, role: iam.Role, vpc: ec2.IVpc, security_group: ec2.ISecurityGroup
    ) -> str:
        """ARN of where it is built: on a machine in the workers' network, which lets nobody in."""
        profile = iam.InstanceProfile(self, "BuilderProfile", role=role)
        made = imagebuilder.CfnInfrastructureConfiguration(
            self,
            "Infrastructure",
            name=name,
            instance_profile_name=profile.instance_profile_name,
            instance_types=BUILD_MACHINES,
            subnet_id=vpc.public_subnets[0].subnet_id,
            security_group_ids=[security_group.security_group_id],
            terminate_instance_on_failure=True,
            instance_metadata_options=(
                imagebuilder.CfnInfrastructureConfiguration.InstanceMetadataOptionsProperty(
                    http_tokens="required", http_put_response_hop_limit=1
                )
            ),
        )
        made.node.add_dependency(role)  # with its policy: a build would begin with half of it
        return made.attr_arn

    def _distribution(self, name: str, farm_name: str) -> str:
        """ARN of who gets the image: this account, in this region."""
        return imagebuilder.CfnDistributionConfiguration(
            self,
            "Distribution",
            name=name,
            distributions=[
                imagebuilder.CfnDistributionConfiguration.DistributionProperty(
                    region=Aws.REGION,
                    ami_distribution_configuration={
                        "Name": f"{farm_name}-worker {{{{ imagebuilder:buildDate }}}}",
                        "Description": f"Prepared for the workers of {farm_name}",
                    },
                )
            ],
        ).attr_arn


def _base_image(config: FarmConfig) -> str:
    """AWS's latest at each build, or the one that was named; but not the one that was made here."""
    own = config.blender_node_image_id
    if own and (not config.node_image_prepared or driver_wanted(config.instance_types)):
        return own
    return f"ssm:{image_parameter(config.gpu)}"
