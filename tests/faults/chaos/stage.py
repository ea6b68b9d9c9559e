"""Where a run takes place: a laptop farm with the stacks as deployed, whose fleet is gone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contract.settings import Cage, SweepSettings
from farm.local import clients, emulator, lifecycle
from farm.local.fleet import AgentEnvironment, deployed_settings
from farm.local.settings import LocalSettings
from tests.e2e.laptop import ROOT, LaptopFarm, a_farm

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

STALL_SECONDS: Final = 20
"""How long a job may stand still before the sweep sends its tasks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    farm: LaptopFarm
    books: Path
    """Where the fake Blenders keep their log books."""
    scene: Path
    """What is uploaded."""
    environment: AgentEnvironment
    sqs: SQSClient
    functions: LambdaClient

    def agents_behind(self, endpoint: str) -> Callable[[str, Path], Mapping[str, str]]:
        """What the machines of agents tell them that reach the services through this endpoint."""
        return lambda worker_id, folder: {**self.environment(worker_id, folder), "AWS_ENDPOINT_URL": endpoint}

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

    def emulator_processor_seconds(self) -> float:
        """Of the emulator itself, and of its Lambdas that have ended."""
        record = emulator.running(self.farm.state)
        assert record, "the emulator is gone"
        numbers = Path(f"/proc/{record.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, numbers[11:15])) / os.sysconf("SC_CLK_TCK")

    def make_sweep_impatient(self) -> None:
        """A run has no time for the patience that a farm has."""
        function = self.farm.record.outputs["SweepFunctionName"]
        deployed = self.functions.get_function_configuration(FunctionName=function)
        variables = deployed["Environment"]["Variables"]
        settings = replace(SweepSettings.from_env(variables), stall_seconds=STALL_SECONDS)
        self.functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**variables, **settings.to_env()}}
        )

    def sweep(self) -> Mapping[str, list[str]]:
        """Let the sweep of waiting jobs look now, and not in a while; jobs by what it did about them."""
        function = self.farm.record.outputs["SweepFunctionName"]
        answer = self.functions.invoke(FunctionName=function, Payload=b"{}")
        report = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            return {"broken": [str(report)]}
        return {name: list(report[name]) for name in ("sent_again", "ended", "broken")}


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
        stage = Stage(
            farm=farm,
            books=books,
            scene=_scene(folder / "scene.blend"),
            environment=AgentEnvironment(
                settings,
                farm.state,
                farm.record,
                deployed_settings(farm.record),
                cage=Cage.NONE,  # its Blender is a stand-in that keeps books of its own
            ),
            sqs=clients.queues(endpoint),
            functions=clients.functions(endpoint),
        )
        stage.make_sweep_impatient()
        yield stage


def _fake_executable(folder: Path, books: Path) -> Path:
    """Starts as quickly as it can: a Python without its site packages."""
    program = Path(__file__).with_name("fake_blender.py")
    path = folder / "blender"
    path.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -S -s -P -B "{program}" "{books}" "$@"\n'
    )
    path.chmod(0o755)
    return path


def _scene(path: Path) -> Path:
    """Of a .blend just its ends: the fake Blender reads none of it, and the agent its version."""
    path.write_bytes(b"BLENDER-v405" + b"ENDB" + bytes(20))
    return path
