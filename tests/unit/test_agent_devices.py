"""What an agent makes of a device that it has, has not, or has no more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.devices import Device
from contract.job import JobState
from contract.table import job_key
from tests.support.agent import BAKE, Agent, agent_in, rendering, task
from worker_agent.bake.bake_task import MAX_RUNTIME_ATTEMPTS
from worker_agent.blender import DeviceUnavailable, RenderDevice
from worker_agent.tasks.outcome import GiveBack, MachineTroubleError, Settled

T4 = RenderDevice(Device.OPTIX, "Tesla T4")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def no_gpu() -> DeviceUnavailable:
    return DeviceUnavailable("device is gpu, and there is none", "no_device", "its log")


def test_the_device_is_fixed_when_the_job_is_inspected_and_stands_with_each_frame(agent: Agent) -> None:
    agent.blender.device = T4
    rendering(agent)
    agent.render(task("1"), agent.lease())
    assert (agent.job.device, agent.job.device_note) == ("OPTIX", "")
    assert agent.blender.bound_devices == ["", "OPTIX"]
    record = agent.frames.frame(agent.job, 1)
    assert record
    assert (record.device, record.seconds) == ("OPTIX (Tesla T4)", 1.5)


def test_a_note_on_the_device_stands_on_the_record(agent: Agent) -> None:
    agent.blender.device = RenderDevice(note="saved to render on a GPU")
    rendering(agent)
    assert (agent.job.device, agent.job.device_note) == ("CPU", "saved to render on a GPU")


def test_a_job_of_before_devices_were_recorded_renders_on_the_cpu(agent: Agent) -> None:
    rendering(agent)
    agent.aws.dynamodb.update_item(
        TableName=agent.aws.job_table_name,
        Key=job_key(agent.job.job_id),
        UpdateExpression="REMOVE device, device_note",
    )
    agent.render(task("1"), agent.lease())
    assert agent.blender.bound_devices[-1] == "CPU"


def test_a_gpu_that_is_asked_for_and_that_no_worker_has_fails_the_job_at_once(agent: Agent) -> None:
    agent.upload(options={"device": "gpu"})
    agent.blender.open_errors = [no_gpu()]
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    assert agent.job.state is JobState.FAILED
    assert agent.job.reason == "device is gpu, and there is none"
    assert agent.stored()["logs/bake.log"].startswith(b"its log")


def test_a_gpu_that_a_worker_has_and_cannot_use_is_looked_for_elsewhere_but_not_for_ever(
    agent: Agent,
) -> None:
    agent.has_gpu = True
    agent.upload(options={"device": "gpu"})
    agent.blender.open_errors = [no_gpu() for _ in range(MAX_RUNTIME_ATTEMPTS)]
    for _ in range(MAX_RUNTIME_ATTEMPTS - 1):
        assert isinstance(agent.bake(BAKE, agent.lease()), GiveBack)
        assert agent.job.state is JobState.BAKING
        assert agent.job.bake_attempts == 0
    assert isinstance(agent.bake(BAKE, agent.lease()), Settled)
    assert agent.job.state is JobState.FAILED


def test_a_worker_without_the_jobs_device_gives_its_frame_back(agent: Agent) -> None:
    agent.blender.device = T4
    rendering(agent)
    agent.blender.open_errors = [no_gpu()]
    given_back = agent.render(task("1"), agent.lease())
    assert isinstance(given_back, GiveBack)
    assert agent.frames.frame(agent.job, 1) is None, "it counts against nobody"
    assert "there is none" in agent.job.reason
    assert agent.sessions.closed == 1


def test_a_worker_whose_gpu_broke_is_in_trouble(agent: Agent) -> None:
    """And is replaced when that lasts, as one with a full disk is."""
    agent.blender.device = T4
    rendering(agent)
    agent.has_gpu = True
    agent.blender.open_errors = [no_gpu()]
    with pytest.raises(MachineTroubleError, match="the GPU of a worker cannot be used"):
        agent.render(task("1"), agent.lease())
    assert agent.frames.frame(agent.job, 1) is None


def test_a_retry_with_frames_keeps_their_device(agent: Agent) -> None:
    agent.blender.device = T4
    rendering(agent)
    agent.render(task("1"), agent.lease())
    shutil.rmtree(agent.scratch.baked(agent.job.job_id, agent.job.baked_folder))
    agent.jobs.send_back(agent.job, "lost")
    agent.bake(BAKE, agent.lease())
    assert agent.blender.bound_devices == ["", "OPTIX", "OPTIX"]
