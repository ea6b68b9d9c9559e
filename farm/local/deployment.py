"""Bootstrap and deploy the CDK app, as it is, to the emulator with the CDK command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from pathlib import Path

from farm.local.environment import ACCOUNT, REGION, child_environment
from farm.local.processes import kill_group
from farm.local.settings import ROOT
from farm.local.state import StateFolder, read_json
from farm.plain_errors import PlainError
from stacks.farm_version import code_hash

LAPTOP_IMAGE = "ami-0123456789abcdef0"
"""The emulator has no Amazon images to look up, and starts no machine from one."""

DEPLOY_SECONDS = 900
"""A CDK command that takes longer hangs: it is killed."""

_DEPLOYED = (
    "app.py",
    "cdk.json",
    "requirements.txt",
    "stacks",
    "functions",
    "contract",
    "worker_agent",
    "farm/local",
)
_STEP = re.compile(r"^(?P<stack>[\w-]+): (?:deploying\.\.\.|creating).*?\[(?P<number>\d+)/(?P<count>\d+)\]")


class DeployError(PlainError):
    """The CDK app could not be deployed; the message says what the CDK said, and where its log is."""


def fingerprint(root: Path = ROOT) -> str:
    """A hash of all code that a running laptop farm has in it: it changes when a deploy is due."""
    return code_hash(root, _DEPLOYED)


def cdk_command() -> list[str]:
    """The CDK command line that the Makefile put into this environment. Raises DeployError."""
    program = Path(sys.prefix) / "cdk/node_modules/aws-cdk/bin/cdk"
    if not program.is_file():
        raise DeployError(f"the CDK command line is not at {program}: run `make .venv`")
    return ["node", str(program)]


def deploy(
    state: StateFolder, endpoint: str, tell: Callable[[str], object], *, hour_dollars: float
) -> dict[str, str]:
    """Deploy every stack; the outputs of all of them. Raises DeployError.

    An hour of an agent is said to cost `hour_dollars`: this computer is on no price list.
    """
    log = state.logs / "deploy.log"
    env = child_environment(os.environ, endpoint=endpoint, state_dir=state.root) | {
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_HOME": str(state.temporary / "cdk-home"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }
    cdk = cdk_command()
    quiet = ["--no-notices", "--no-color", "--ci", "--no-version-reporting"]
    outputs = state.root / "outputs.json"
    outputs.unlink(missing_ok=True)
    with log.open("w", encoding="utf-8") as lines:
        tell("preparing the emulated account")
        command = [*cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}", *quiet]
        with closing(_run(command, env, cwd=state.root, log=log)) as output:
            for line in output:
                print(line, file=lines, flush=True)
        tell("synthesizing the stacks")
        command = [*cdk, "deploy", "--all", *quiet, "--require-approval", "never", "--method", "direct"]
        command += [
            "--progress",
            "events",
            "--outputs-file",
            str(outputs),
            "--output",
            str(state.root / "cdk.out"),
        ]
        command += ["--context", f"blender_node_image_id={LAPTOP_IMAGE}"]
        command += ["--context", "node_image_prepared=yes"]
        command += ["--context", f"worker_hour_dollars={hour_dollars:.6f}"]
        with closing(_run(command, env, cwd=ROOT, log=log)) as output:
            for line in output:
                print(line, file=lines, flush=True)
                step = _STEP.match(line)
                if step:
                    tell(f"deploying stack {step['number']} of {step['count']}: {step['stack']}")
    return flatten(read_json(outputs) or {})


def flatten(outputs: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Outputs of all stacks by their names alone."""
    return {name: value for stack in outputs.values() for name, value in stack.items()}


def _run(command: list[str], env: Mapping[str, str], *, cwd: Path, log: Path) -> Generator[str, None, None]:
    """The output of a command, line by line. Its processes are gone when this ends, however it ends."""
    told: list[str] = []
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    watchdog = threading.Timer(DEPLOY_SECONDS, kill_group, [process.pid])
    watchdog.daemon = True  # a Ctrl-C may come before the `try`: Python would wait for it at its end
    try:
        watchdog.start()
        assert process.stdout
        with process.stdout as output:
            for line in output:
                told = [*told[-30:], line.rstrip()]
                yield line.rstrip()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    finally:
        watchdog.cancel()
        kill_group(process.pid)
        process.wait()
    if process.returncode:
        said = "\n  ".join(line for line in told if line)
        raise DeployError(
            f"`cdk {command[2]}` failed (exit {process.returncode}): see {log}. It said:\n  {said}"
        )
