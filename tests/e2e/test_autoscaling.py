"""The whole loop on a laptop farm: an upload wakes one agent, its frames' measured length brings a second,
and with nothing left to do both end themselves. The deployed metric and policies, real agents, real Blender.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contract.job import Job, JobState
from contract.settings import BacklogSettings
from farm.local import agents, clients
from tests.e2e.laptop import LaptopFarm, a_farm

LATENCY_SECONDS = 3
"""Frames of some seconds each must be worth a second agent: an owner may not set so little, the API may."""
FRAMES = 8
FRAME_SECONDS = "3"
"""By Cycles' time limit: on a quick computer and on a slow one alike."""
CHANGE = re.compile(r"desired capacity (\d+) -> (\d+): (.*)")


def make_impatient(farm: LaptopFarm) -> None:
    """Deploy another latency, by hand; frames that nobody has timed are worth one agent only."""
    functions, scaling = clients.functions(farm.record.endpoint), clients.scaling(farm.record.endpoint)
    name, group = farm.record.outputs["BacklogFunctionName"], farm.record.outputs["WorkerGroupName"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    settings = replace(
        BacklogSettings.from_env(variables),
        acceptable_latency_seconds=LATENCY_SECONDS,
        worker_start_seconds=1,
        frame_queue_bpi=100,
    )
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, **settings.to_env()}}
    )
    policies = scaling.describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    (tracking,) = [policy for policy in policies if "TargetTrackingConfiguration" in policy]
    scaling.put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName=tracking["PolicyName"],
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            **tracking["TargetTrackingConfiguration"],
            "TargetValue": LATENCY_SECONDS,
        },
    )


def wait_until(true: Callable[[], object], farm: LaptopFarm, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, farm.logs()
        time.sleep(0.2)


def fleet_log(farm: LaptopFarm) -> str:
    return (farm.state.logs / "fleet.log").read_text()


def changes(farm: LaptopFarm) -> list[tuple[int, int, str]]:
    """Every desired capacity that the group had, from which it came and why."""
    return [(int(before), int(after), why) for before, after, why in CHANGE.findall(fleet_log(farm))]


def desired(farm: LaptopFarm) -> int:
    groups = clients.scaling(farm.record.endpoint).describe_auto_scaling_groups(
        AutoScalingGroupNames=[farm.record.outputs["WorkerGroupName"]]
    )["AutoScalingGroups"]
    return groups[0]["DesiredCapacity"]


def workers(farm: LaptopFarm, job: Job) -> list[str]:
    """Who rendered each frame."""
    return [record.worker for record in farm.farm.records.frames(job.job_id, range(job.shards))]


@pytest.fixture
def slow_scene(tmp_path: Path) -> Path:
    path = tmp_path / "slow.blend"
    program = Path(__file__).with_name("small_scene.py")
    command, env = [sys.executable, str(program), str(path)], {**os.environ, "FRAME_SECONDS": FRAME_SECONDS}
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=120)
    return path


def test_from_zero_to_what_the_backlog_wants_and_back_to_zero(slow_scene: Path, tmp_path: Path) -> None:
    with a_farm(tmp_path, FARM_BLENDER=sys.executable, FARM_LOCAL_AGENTS="2") as farm:
        make_impatient(farm)
        assert (desired(farm), agents.running(farm.state), changes(farm)) == (0, [], [])

        job = farm.wait(farm.upload(slow_scene, "slow/slow.blend"), seconds=240)
        wait_until(lambda: fleet_log(farm).count(" ended (exit") == 2, farm, seconds=60)
        assert (desired(farm), agents.running(farm.state)) == (0, [])

        seen = changes(farm)
        assert [(before, after) for before, after, _ in seen] == [(0, 1), (1, 2), (2, 1), (1, 0)], farm.logs()
        assert all(why.startswith("the policies") for _, _, why in seen[:2])
        assert all(why.endswith("ends itself") for _, _, why in seen[2:]), "tracking's scale-in is slower"
        by = workers(farm, job)
        assert job.state is JobState.DONE
        assert (len(by), len(set(by))) == (FRAMES, 2)
        assert "one too many" not in fleet_log(farm), "the fleet chose nobody"
        assert fleet_log(farm).count(" ended (exit 0)") == fleet_log(farm).count(" started local-") == 2
        for worker_id in set(by):
            said = (farm.state.logs / f"agent-{worker_id}.log").read_text()
            assert said.count("one too many: this machine ends") == 1
            assert "interrupted" not in said, "nobody was ended while it held a task"
        assert not any(farm.messages().values())
        assert "desired capacity 0 (the backlog wants 0, at most 2 run here)" in farm.run("status")[1]
