"""What Image Builder's machine is to do: the document of its one component.

"Use the AWSTOE component document framework" in the EC2 Image Builder user guide. YAML takes JSON.
"""

from __future__ import annotations

from typing import Any, Final

from aws_cdk import Aws
from aws_cdk.aws_s3_assets import Asset

from stacks.scratch import AGENT_UID
from stacks.worker_boot import INSTALL_SECONDS

BASE: Final = "/opt/render-worker"
"""As worker_agent/boot has it."""
_PACKAGES: Final = "boto3, blender_asset_tracer, zstandard, OpenImageIO, PyOpenColorIO, numpy, PIL, av"
"""Modules that the agent imports and that are not Python's own."""


def preparing_component(*, agent: Asset, wheels: Asset, blender_runtimes: str) -> dict[str, Any]:
    """Runs `install.sh prepare`, looks whether all is there, and leaves nothing of this build's agent.

    The packages stay, with a note of which they are: a machine of an agent that needs others says so.
    """
    return {
        "name": "PrepareRenderWorker",
        "schemaVersion": "1.0",
        "phases": [
            {
                "name": "build",
                "steps": [
                    _step("Fetch", [*_fetch(agent, "agent"), *_fetch(wheels, "wheels")]),
                    _step("Prepare", [_prepare(blender_runtimes)], seconds=2 * INSTALL_SECONDS),
                    _step("Tidy", [f"rm -rf {BASE}/agent {BASE}/wheels", "dnf clean all"]),
                ],
            },
            {
                "name": "validate",
                "steps": [
                    _step(
                        "Validate",
                        [
                            f"{BASE}/venv/bin/python -c 'import {_PACKAGES}'",
                            f"test -s {BASE}/venv/packages.sha256",
                            f"for blender in {BASE}/blender/*/blender; do $blender --version; done",
                            "bwrap --version",
                        ],
                    )
                ],
            },
        ],
    }


def _fetch(archive: Asset, folder: str) -> list[str]:
    return [
        f"export AWS_DEFAULT_REGION={Aws.REGION}",
        f"aws s3 cp --only-show-errors {archive.s3_object_url} /tmp/{folder}.zip",
        f"rm -rf {BASE}/{folder} && mkdir -p {BASE}",
        f"python3 -m zipfile -e /tmp/{folder}.zip {BASE}/{folder}",
        f"rm -f /tmp/{folder}.zip",
    ]


def _prepare(blender_runtimes: str) -> str:
    settings = f"FARM_BLENDER_RUNTIMES='{blender_runtimes}' AGENT_UID={AGENT_UID}"
    return f"{settings} bash {BASE}/agent/worker_agent/boot/install.sh prepare"


def _step(name: str, commands: list[str], *, seconds: int = 600) -> dict[str, Any]:
    """The shell goes on after a command that fails, unless told otherwise."""
    return {
        "name": name,
        "action": "ExecuteBash",
        "timeoutSeconds": seconds,
        "onFailure": "Abort",
        "inputs": {"commands": ["set -eu", *commands]},
    }
