"""The workers: what each machine is, what it may do, and the group that starts and ends them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aws_cdk import CfnOutput, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from contract.leases import LEASE_SECONDS, POLL_SECONDS
from contract.lifecycle import TERMINATION_HEARTBEAT_SECONDS, TERMINATION_HOOK
from contract.runtimes import RuntimeSpec, format_runtimes
from contract.scaling import WARMUP_SECONDS
from contract.settings import AgentSettings
from stacks.acknowledgements import acknowledge, acknowledge_wildcard
from stacks.agent_wheels import agent_wheels
from stacks.assets import agent_code
from stacks.config import FarmConfig
from stacks.farm_queues import FarmQueues
from stacks.farm_version import deploy_version, worker_version
from stacks.instance_types import system_disk_gib
from stacks.permissions import GROUP_IS_NAMED, group_arn
from stacks.scratch import Scratch
from stacks.worker_boot import WORK_DEVICE, BootParts, machine_image, user_data
from stacks.worker_role import WorkerRole

WORK_DISK_GIB = 30
"""What Blender writes until it is uploaded. A disk of its own: full, it stops a frame and not the machine."""


class ComputeStack(Stack):
    """Depends on storage, network, queues and efs."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        config: FarmConfig,
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        bucket: s3.IBucket,
        table: dynamodb.ITable,
        queues: FarmQueues,
        scratch: Scratch,
        wheels: Callable[[], Path],
    ) -> None:
        super().__init__(scope, construct_id, env=env)
        # A name, and no reference to the group: the machines' settings and permissions name the group, and
        # the group names the machines, which CloudFormation takes for a circle.
        group_name = config.fleet_name
        agent = agent_code(self, "Agent")
        self.worker_version = worker_version(agent.asset_hash, config)
        role = WorkerRole(self, "WorkerRole")
        packages = None if config.node_image_prepared else agent_wheels(self, "AgentWheels", wheels())
        log = logs.LogGroup(
            self, "WorkerLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        role.grant_work(bucket=bucket, table=table, queues=queues, scratch=scratch)
        role.grant_boot(archives=[agent, packages] if packages else [agent], log=log)
        settings = AgentSettings(
            render_bucket_name=bucket.bucket_name,
            job_table_name=table.table_name,
            bake_queue_url=queues.bake.queue_url,
            render_queue_url=queues.render.queue_url,
            urgent_queue_url=queues.urgent.queue_url,
            dead_letter_queue_url=queues.dead_letters.queue_url,
            cloudwatch_namespace=config.cloudwatch_namespace,
            worker_asg_name=group_name,
            worker_id="",  # the boot script asks the machine itself
            scratch_directory="/mnt/scratch",
            work_directory="/var/lib/render-worker",
            blender_runtimes=format_runtimes(RuntimeSpec(version=v) for v in config.blender_versions),
            blender_directory="/opt/render-worker/blender",
            worker_version=self.worker_version,
            deploy_version=deploy_version(config),
            lease_seconds=LEASE_SECONDS,
            poll_seconds=POLL_SECONDS,
            idle_seconds=config.worker_idle_seconds,
            blender_sessions=config.blender_sessions,
            log_group_name=log.log_group_name,
            metrics_log_group_name=log.log_group_name,
            worker_hour_dollars=config.worker_hour_dollars,
        )
        template = ec2.LaunchTemplate(
            self,
            "Worker",
            machine_image=machine_image(config.blender_node_image_id, config.gpu),
            user_data=user_data(
                parts=BootParts(
                    agent=agent, wheels=packages, scratch=scratch, log_group_name=log.log_group_name
                ),
                settings=settings,
            ),
            role=role,
            security_group=security_group,
            key_pair=self._key_pair(config.node_key_name),
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            block_devices=[
                _encrypted_disk("/dev/xvda", system_disk_gib(config.gpu)),
                _encrypted_disk(WORK_DEVICE, WORK_DISK_GIB),
            ],
            instance_initiated_shutdown_behavior=ec2.InstanceInitiatedShutdownBehavior.TERMINATE,
        )
        self.group = self._group(config, vpc, template, group_name)
        self._let_machines_go(role, group_name)
        CfnOutput(self, "WorkerLogGroupName", value=log.log_group_name)
        CfnOutput(self, "WorkerGroupName", value=self.group.auto_scaling_group_name)

    def _let_machines_go(self, role: iam.Role, group_name: str) -> None:
        """A machine that the group ends first gives its work back, and says when that is done. One with a
        task in hand is protected from scale-in by its agent; one that is idle and too many ends itself.
        """
        self.group.add_lifecycle_hook(
            "GiveWorkBack",
            lifecycle_hook_name=TERMINATION_HOOK,
            lifecycle_transition=autoscaling.LifecycleTransition.INSTANCE_TERMINATING,
            heartbeat_timeout=Duration.seconds(TERMINATION_HEARTBEAT_SECONDS),
            default_result=autoscaling.DefaultResult.CONTINUE,
        )
        own = group_arn(self, group_name)
        policy = iam.Policy(  # apart from the role's own: the machines, and so their group, wait for that one
            self,
            "LetMachineGo",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    actions=[
                        "autoscaling:CompleteLifecycleAction",
                        "autoscaling:SetInstanceProtection",
                        "autoscaling:TerminateInstanceInAutoScalingGroup",
                    ],
                    resources=[own],
                )
            ],
        )
        acknowledge_wildcard(policy, own, GROUP_IS_NAMED)

    def _key_pair(self, name: str) -> ec2.IKeyPair | None:
        return ec2.KeyPair.from_key_pair_name(self, "KeyPair", name) if name else None

    def _group(
        self, config: FarmConfig, vpc: ec2.IVpc, template: ec2.LaunchTemplate, name: str
    ) -> autoscaling.AutoScalingGroup:
        """No desired capacity is given, so that a deploy leaves a working fleet as large as it is.

        Machines start protected from scale-in, which their agents drop when they find nothing to do: a
        scale-in takes idle machines alone. One that cannot be set up ends itself (worker_agent/boot).
        """
        group = autoscaling.AutoScalingGroup(
            self,
            "Workers",
            auto_scaling_group_name=name,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            min_capacity=0,
            max_capacity=config.worker_node_max_count,
            mixed_instances_policy=autoscaling.MixedInstancesPolicy(
                launch_template=template,
                launch_template_overrides=[
                    autoscaling.LaunchTemplateOverrides(instance_type=ec2.InstanceType(name))
                    for name in config.instance_types
                ],
                instances_distribution=autoscaling.InstancesDistribution(
                    on_demand_base_capacity=0,
                    on_demand_percentage_above_base_capacity=config.on_demand_percentage,
                    spot_allocation_strategy=autoscaling.SpotAllocationStrategy.PRICE_CAPACITY_OPTIMIZED,
                ),
            ),
            new_instances_protected_from_scale_in=True,
            default_instance_warmup=Duration.seconds(WARMUP_SECONDS),
            group_metrics=[autoscaling.GroupMetrics.all()],
        )
        acknowledge(
            group,
            "AS3",
            "Machines come and go all day; people hear of jobs, and alarms tell of faults.",
        )
        acknowledge(
            group, "EC26", "The disk is encrypted: the launch template says so, where the rule does not look."
        )
        resource = group.node.default_child
        assert isinstance(resource, autoscaling.CfnAutoScalingGroup)
        resource.capacity_rebalance = True  # a machine likely to be taken back is replaced before it is
        return group


def _encrypted_disk(device: str, gib: int) -> ec2.BlockDevice:
    volume = ec2.BlockDeviceVolume.ebs(gib, volume_type=ec2.EbsDeviceVolumeType.GP3, encrypted=True)
    return ec2.BlockDevice(device_name=device, volume=volume)
