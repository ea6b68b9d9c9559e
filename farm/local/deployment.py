"""Bootstrap and deploy the CDK app, as it is, to the emulator with the CDK command line."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from farm.local.cdk import Cdk
from farm.local.environment import ACCOUNT, REGION, child_environment
from farm.local.state import StateFolder, read_json
from farm.local.synthesis import synthesized

LAPTOP_IMAGE = "ami-0123456789abcdef0"
"""The emulator has no Amazon images to look up, and starts no machine from one."""

_STEP = re.compile(r"^(?P<stack>[\w-]+): (?:deploying\.\.\.|creating).*?\[(?P<number>\d+)/(?P<count>\d+)\]")


def deploy(
    state: StateFolder, endpoint: str, tell: Callable[[str], object], *, hour_dollars: float
) -> dict[str, str]:
    """Deploy every stack; the outputs of all of them. Raises DeployError.

    An hour of an agent is said to cost `hour_dollars`: this computer is on no price list.
    """
    env = child_environment(os.environ, endpoint=endpoint, state_dir=state.root) | {
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_HOME": str(state.temporary / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }
    variables = {
        "blender_node_image_id": LAPTOP_IMAGE,
        "node_image_prepared": "yes",
        "worker_hour_dollars": f"{hour_dollars:.6f}",
    }
    outputs = state.root / "outputs.json"
    outputs.unlink(missing_ok=True)
    with (state.logs / "deploy.log").open("w", encoding="utf-8") as log:
        cdk = Cdk(env=env, folder=state.root, log=log)
        tell("preparing the emulated account")
        for _ in cdk.run("bootstrap", f"aws://{ACCOUNT}/{REGION}"):
            pass
        templates = synthesized(cdk, variables, lambda: tell("synthesizing the stacks"))
        command = ["deploy", "--all", "--app", str(templates), "--require-approval", "never"]
        command += ["--method", "direct", "--progress", "events", "--outputs-file", str(outputs)]
        for line in cdk.run(*command):
            step = _STEP.match(line)
            if step:
                tell(f"deploying stack {step['number']} of {step['count']}: {step['stack']}")
    return flatten(read_json(outputs) or {})


def flatten(outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Outputs of all stacks by their names alone."""
    return {name: value for stack in outputs.values() for name, value in stack.items()}
