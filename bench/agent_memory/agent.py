"""A real agent's process, around a stand-in for Blender and services in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import psutil

from bench.aws_in_memory import Latencies, Services
from bench.aws_in_memory.server import served
from bench.scale.fleet import Names
from bench.scale.job import RenderedJob
from contract.leases import LEASE_SECONDS
from contract.runtimes import RuntimeSpec, format_runtimes
from contract.settings import AgentSettings, Cage

ROOT: Final = Path(__file__).parents[2]
_FAKE: Final = ROOT / "tests/faults/chaos/fake_blender.py"
"""It speaks the session's protocol, renders as quickly as it can write, and says 0.01 s."""
_VERSION: Final = "4.5.15"
_GOODBYE_SECONDS: Final = 30
_MB: Final = 1024 * 1024


class RunningAgent:
    def __init__(self, process: subprocess.Popen[bytes], job: RenderedJob) -> None:
        self._process = psutil.Process(process.pid)
        self.job = job

    @property
    def megabytes(self) -> float:
        """Resident memory of the agent's own process."""
        return float(self._process.memory_info().rss) / _MB

    @property
    def decoder_megabytes(self) -> float:
        """Of the child that looks at frames."""
        children = [child for child in self._process.children() if "decoder" in " ".join(child.cmdline())]
        return float(sum(child.memory_info().rss for child in children)) / _MB


@contextmanager
def an_agent(folder: Path, frame_count: int) -> Iterator[RunningAgent]:
    """At work on a job of so many frames and one more, which never ends; ended with the block."""
    services, names = Services(Latencies.none()), Names()
    job = RenderedJob(services, names, frame_count)
    (folder / "scratch" / "jobs").mkdir(parents=True)
    with served(services) as endpoint, (folder / "agent.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker_agent"],
            cwd=ROOT,
            env={**os.environ, **_environment(folder, names, endpoint)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield RunningAgent(process, job)
        finally:
            process.terminate()
            try:
                process.wait(_GOODBYE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(folder: Path, names: Names, endpoint: str) -> dict[str, str]:
    settings = AgentSettings(
        **asdict(names),
        cloudwatch_namespace="AutoBlenderRender",
        worker_asg_name="workers",
        worker_id="worker-1",
        scratch_directory=str(folder / "scratch"),
        work_directory=str(folder / "work"),
        blender_runtimes=format_runtimes([RuntimeSpec(version=_VERSION, path=str(_fake_blender(folder)))]),
        blender_directory=str(folder / "blenders"),
        lease_seconds=LEASE_SECONDS,
        poll_seconds=1,
        idle_seconds=3600,
        worker_version="1",
        deploy_version="1",
        cage=Cage.NONE,
        metrics_log_group_name="/workers",
        blender_sessions=1,
        stop_seconds=5,
    )
    return {
        **settings.to_env(),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint.replace("127.0.0.1", "127.0.0.2"),  # nobody is there
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _fake_blender(folder: Path) -> Path:
    """A program that starts it, as an executable of Blender is started."""
    books = folder / "books"
    books.mkdir()
    path = folder / "blender"
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -S -s -P -B "{_FAKE}" "{books}" "$@"\n'
    )
    path.chmod(0o755)
    return path
