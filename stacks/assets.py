"""What goes to AWS of this repository: for each process the folder of its own, and `contract`.

The modules keep the import paths they have here, and an asset's hash changes with its own files only.
"""

from __future__ import annotations

from pathlib import Path

from aws_cdk import IgnoreMode
from aws_cdk.aws_lambda import Code
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

ROOT = Path(__file__).resolve().parents[1]

_NEVER = ["__pycache__", "*.pyc", ".*"]


def function_code(name: str) -> Code:
    """The code of `functions/<name>`."""
    theirs = ["/functions/*", "!/functions/__init__.py", f"!/functions/{name}"]
    only = ["/*", "!/contract", "!/functions", *theirs]
    return Code.from_asset(str(ROOT), ignore_mode=IgnoreMode.GIT, exclude=[*only, *_NEVER])


def agent_code(scope: Construct, construct_id: str) -> Asset:
    """The agent, its boot script, and the pins of the packages that the script installs."""
    only = ["/*", "!/contract", "!/worker_agent", "!/requirements.txt"]
    return Asset(scope, construct_id, path=str(ROOT), ignore_mode=IgnoreMode.GIT, exclude=[*only, *_NEVER])
