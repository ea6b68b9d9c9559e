#!/usr/bin/env python3
"""The farm, as AWS sees it: seven stacks and one for images, made from the variables in `cdk.json`.

`-c name=value` sets a variable. Only this module reads context at synth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from aws_cdk import App, CfnOutput, Environment, Stack, Tags, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.agent_wheels import WheelsError, downloaded_wheels
from stacks.compute import ComputeStack
from stacks.config import ConfigError, FarmConfig
from stacks.efs import EfsStack
from stacks.farm_version import OUTPUT, farm_version
from stacks.image import ImageStack
from stacks.monitoring import MonitoringStack
from stacks.network import NetworkStack
from stacks.queues import QueuesStack
from stacks.scaling import ScalingStack
from stacks.storage import StorageStack
from stacks.tags import FARM_TAG


def build(app: App, wheels: Callable[[], Path] = downloaded_wheels) -> None:
    """Put the stacks into the app; `wheels` gives the folder of the agent's packages, if any are published.

    Raises ConfigError when a variable is wrong, WheelsError when the packages cannot be had.
    """
    config = FarmConfig.from_context(app.node.get_all_context())
    env = Environment(region=config.region or None)

    def name(part: str) -> str:
        return f"{config.farm_name}-{part}"

    storage = StorageStack(app, name("Storage"), env=env, config=config)
    network = NetworkStack(app, name("Network"), env=env, config=config)
    queues = QueuesStack(
        app, name("Queues"), env=env, config=config, bucket=storage.bucket, table=storage.table
    )
    efs = EfsStack(app, name("Efs"), env=env, config=config, vpc=network.vpc, table=storage.table)
    compute = ComputeStack(
        app,
        name("Compute"),
        env=env,
        config=config,
        vpc=network.vpc,
        security_group=network.workers,
        bucket=storage.bucket,
        table=storage.table,
        queues=queues.queues,
        scratch=efs.scratch,
        wheels=wheels,
    )
    scaling = ScalingStack(
        app,
        name("Scaling"),
        env=env,
        config=config,
        table=storage.table,
        queues=queues.queues,
        group=compute.group,
        worker_version=compute.worker_version,
    )
    MonitoringStack(
        app,
        name("Monitoring"),
        env=env,
        config=config,
        bucket=storage.bucket,
        table=storage.table,
        queues=queues.queues,
        group=compute.group,
        measure_backlog=scaling.measure_backlog,
        sweep_jobs=scaling.sweep_jobs,
        accept_upload=queues.accept_upload,
        settle_dead_letters=queues.settle_dead_letters,
        janitor=efs.janitor.function,
        topic=storage.topic,
    )
    if config.build_node_image:
        ImageStack(
            app,
            name("Image"),
            env=env,
            config=config,
            vpc=network.vpc,
            security_group=network.workers,
            wheels=wheels,
        )
    version = farm_version()
    for stack in app.node.children:
        if isinstance(stack, Stack):
            CfnOutput(stack, OUTPUT, value=version)
    Tags.of(app).add(FARM_TAG, config.farm_name)


def main() -> int:
    app = App()
    try:
        build(app)
    except (ConfigError, WheelsError) as error:
        print(error, file=sys.stderr)
        return 1
    # its findings end synth: what is meant to be so is acknowledged where it is made
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
