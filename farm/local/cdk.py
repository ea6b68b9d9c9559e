"""The CDK command line as a child, whose words are logged and read line by line."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from farm.local.processes import kill_group
from farm.plain_errors import PlainError

COMMAND_SECONDS = 900
"""A command that takes longer hangs: it is killed."""
_QUIET: Final = ("--no-notices", "--no-color", "--ci", "--no-version-reporting")


class DeployError(PlainError):
    """The CDK app could not be deployed; the message says what the CDK said, and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdk:
    """Commands of one deploy: they share an environment, a folder to be in, and a log."""

    env: Mapping[str, str]
    folder: Path
    log: TextIO

    def run(self, *arguments: str, folder: Path | None = None) -> Iterator[str]:
        """`cdk …`, line by line as it says them. Raises DeployError."""
        command = [*cdk_command(), *arguments, *_QUIET]
        with closing(
            output_of(command, self.env, cwd=folder or self.folder, log=Path(self.log.name))
        ) as output:
            for line in output:
                print(line, file=self.log, flush=True)
                yield line


def cdk_command() -> list[str]:
    """The CDK command line that the Makefile put into this environment. Raises DeployError."""
    program = Path(sys.prefix) / "cdk/node_modules/aws-cdk/bin/cdk"
    if not program.is_file():
        raise DeployError(f"the CDK command line is not at {program}: run `make .venv`")
    return ["node", str(program)]


def output_of(command: list[str], env: Mapping[str, str], *, cwd: Path, log: Path) -> Generator[str]:
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
    watchdog = threading.Timer(COMMAND_SECONDS, kill_group, [process.pid])
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
