"""Where a run takes place: a laptop farm with the stacks as deployed, whose fleet is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.local import clients, lifecycle
from farm.local.fleet import AgentEnvironment, deployed_settings
from farm.local.settings import LocalSettings
from tests.e2e.laptop import ROOT, LaptopFarm, a_farm

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    farm: LaptopFarm
    books: Path
    """Where the fake Blenders keep their log books."""
    scene: Path
    """A real .blend: the agent reads its first bytes, the fake does not read it."""
    environment: AgentEnvironment
    sqs: SQSClient
    functions: LambdaClient

    @property
    def queue_urls(self) -> dict[str, str]:
        names = {"bake": "BakeQueueUrl", "render": "RenderQueueUrl", "urgent": "UrgentQueueUrl"}
        return {name: self.farm.record.outputs[output] for name, output in names.items()}

    @property
    def listener(self) -> str:
        """The name of the Lambda that hears of uploads."""
        pages = self.functions.get_paginator("list_functions").paginate()
        found = [f["FunctionName"] for page in pages for f in page["Functions"]]
        (name,) = [name for name in found if "AcceptUpload" in name]
        return name

    def sweep(self) -> None:
        """Let the sweep of waiting jobs look now, and not in a while."""
        function = self.farm.record.outputs.get("SweepFunctionName")
        if function:
            self.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")


@contextmanager
def a_stage(folder: Path) -> Iterator[Stage]:
    """Up before, down after, with no process left."""
    books = folder / "books"
    books.mkdir(parents=True)
    fake = _fake_executable(folder, books)
    with a_farm(folder, FARM_BLENDER=str(fake)) as farm:
        lifecycle.stop_fleet(farm.state, lambda _: None)
        settings = LocalSettings.from_env(farm.env)
        endpoint = farm.record.endpoint
        yield Stage(
            farm=farm,
            books=books,
            scene=_small_scene(folder / "scene.blend"),
            environment=AgentEnvironment(settings, farm.state, farm.record, deployed_settings(farm.record)),
            sqs=clients.queues(endpoint),
            functions=clients.functions(endpoint),
        )


def _fake_executable(folder: Path, books: Path) -> Path:
    """Starts as quickly as it can: a Python without its site packages."""
    program = Path(__file__).with_name("fake_blender.py")
    path = folder / "blender"
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -S -s -P -B "{program}" "{books}" "$@"\n'
    )
    path.chmod(0o755)
    return path


def _small_scene(path: Path) -> Path:
    """Made by a child: bpy is heavy, and global."""
    program = Path(__file__).parents[2] / "e2e/small_scene.py"
    subprocess.run([sys.executable, str(program), str(path)], check=True, capture_output=True, timeout=120)
    return path
