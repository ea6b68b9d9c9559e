"""A real agent, as a process of its own, on a machine that the test takes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from contract.frame_record import FrameRecord
from contract.job import Job, JobState
from contract.runtimes import RuntimeSpec, format_runtimes
from contract.settings import AgentSettings, Cage
from contract.table import job_key
from contract.tasks import BakeTask, RenderTask, Task, encode
from farm.local import emulator, processes
from farm.local.environment import child_environment
from farm.local.metadata import MetadataServer
from farm.local.state import StateFolder
from tests.support.aws_edges import AwsEdges, aws_edges_at
from tests.support.jobs import a_job
from tests.support.paced_blender import BUILD, VERSION, paced_runtime
from tests.support.synthesized import REGION
from worker_agent.stores.frame_store import FrameStore
from worker_agent.stores.job_store import JobStore
from worker_agent.stores.scratch import Scratch

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType

ROOT = Path(__file__).resolve().parents[2]
GROUP = "workers"
VERSION_OF_WORKER = "worker-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """What is there for all agents."""

    state: StateFolder
    endpoint: str
    aws: AwsEdges
    metadata: MetadataServer


@contextmanager
def a_cloud(folder: Path) -> Iterator[Cloud]:
    state = StateFolder(folder)
    state.prepare()
    metadata = MetadataServer()
    metadata.start()
    try:
        endpoint = emulator.start(state)
        yield Cloud(state=state, endpoint=endpoint, aws=aws_edges_at(endpoint), metadata=metadata)
    finally:
        metadata.stop()
        emulator.end(state)
        processes.kill_strays(state)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedAgent:
    cloud: Cloud
    process: subprocess.Popen[bytes]
    worker_id: str
    folder: Path
    """Of its Blender: see tests.support.paced_blender."""
    log: Path
    job_id: str

    def send(self, task: Task) -> None:
        aws = self.cloud.aws
        url = aws.bake_queue_url if isinstance(task, BakeTask) else aws.render_queue_url
        aws.sqs.send_message(QueueUrl=url, MessageBody=encode(task))

    def render(self, frames: str) -> None:
        self.send(RenderTask(self.job_id, frames))

    def waits_for_a_worker(self) -> bool:
        """Whether a task of either queue can be taken."""
        urls = (self.cloud.aws.bake_queue_url, self.cloud.aws.render_queue_url)
        return any(_count(self.cloud.aws, url, "ApproximateNumberOfMessages") for url in urls)

    def is_held(self) -> bool:
        """Whether any task is held."""
        urls = (self.cloud.aws.bake_queue_url, self.cloud.aws.render_queue_url)
        return any(_count(self.cloud.aws, url, "ApproximateNumberOfMessagesNotVisible") for url in urls)

    def has_begun(self, name: str) -> bool:
        return (self.folder / f"begun-{name}").exists()

    def blender_is_gone(self) -> bool:
        """Blender and its descendants."""
        pids = (self.folder / "pids").read_text().split()
        assert len(pids) == 3
        return not any(processes.identify(int(pid)) for pid in pids)

    @property
    def job(self) -> Job:
        job = JobStore(self.cloud.aws.dynamodb, self.cloud.aws.job_table_name).job(self.job_id)
        assert job
        return job

    def frame(self, frame: int) -> FrameRecord | None:
        store = FrameStore(self.cloud.aws.dynamodb, self.cloud.aws.job_table_name, "test")
        return store.frame(self.job, frame)

    def end(self) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def until(self, true: Callable[[], object], seconds: float = 20) -> float:
        """Wait; returns how long it took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() < began + seconds, self.log.read_text(errors="replace")[-3000:]
            time.sleep(0.05)
        return time.monotonic() - began


@contextmanager
def an_agent(
    cloud: Cloud,
    pace: Mapping[str, float],
    *,
    stop_seconds: int = 30,
    baked: bool = True,
    program: tuple[str, ...] = ("-m", "worker_agent"),
    variables: Mapping[str, str] | None = None,
) -> Iterator[InterruptedAgent]:
    """An agent whose Blender keeps this pace, and a job of six frames; nothing is left of both."""
    worker_id = f"local-{uuid4().hex[:6]}"
    folder = cloud.state.work / worker_id
    blender = paced_runtime(folder / "blender")
    (blender.parent / "pace.json").write_text(json.dumps(pace))
    env = child_environment(os.environ, endpoint=cloud.endpoint, state_dir=cloud.state.root)
    env |= _settings(cloud, worker_id, folder, blender, stop_seconds).to_env()
    env |= cloud.metadata.environment_for(worker_id)
    env |= {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, **(variables or {})}
    log = cloud.state.logs / f"{worker_id}.log"
    job_id = _make_job(cloud, baked=baked)
    process = processes.spawn([sys.executable, *program], env=env, log=log, cwd=ROOT)
    try:
        yield InterruptedAgent(
            cloud=cloud, process=process, worker_id=worker_id, folder=blender.parent, log=log, job_id=job_id
        )
    finally:
        processes.kill_group(process.pid)
        process.wait()
        processes.kill_strays(cloud.state, folder)
        for url in (cloud.aws.bake_queue_url, cloud.aws.render_queue_url, cloud.aws.urgent_queue_url):
            cloud.aws.sqs.purge_queue(QueueUrl=url)


def _settings(cloud: Cloud, worker_id: str, folder: Path, blender: Path, stop_seconds: int) -> AgentSettings:
    return AgentSettings(
        cage=Cage.NONE,  # its Blender is a stand-in that writes beside itself
        render_bucket_name=cloud.aws.render_bucket_name,
        job_table_name=cloud.aws.job_table_name,
        bake_queue_url=cloud.aws.bake_queue_url,
        render_queue_url=cloud.aws.render_queue_url,
        urgent_queue_url=cloud.aws.urgent_queue_url,
        dead_letter_queue_url=cloud.aws.dead_letter_queue_url,
        cloudwatch_namespace="farm",
        worker_asg_name=GROUP,
        worker_id=worker_id,
        scratch_directory=str(cloud.state.scratch),
        work_directory=str(folder / "work"),
        blender_runtimes=format_runtimes([RuntimeSpec(version=VERSION, path=str(blender))]),
        blender_directory=str(folder / "shelf"),
        worker_version=VERSION_OF_WORKER,
        deploy_version="deploy-1",
        lease_seconds=60,
        poll_seconds=1,
        idle_seconds=600,
        blender_sessions=1,  # or it would see that this Blender leaves processors idle
        stop_seconds=stop_seconds,
    )


def _make_job(cloud: Cloud, *, baked: bool) -> str:
    """A job of the frames 1 to 6, as its baker leaves it, or as the listener does."""
    job_id, content = f"scene-{uuid4().hex[:12]}", b"BLENDER-v405 and nothing more"
    version = cloud.aws.s3.put_object(
        Bucket=cloud.aws.render_bucket_name, Key=f"{job_id}/scene.blend", Body=content
    )["VersionId"]
    rendering = {
        "state": JobState.RENDERING,
        "baked_folder": "baked-1",
        "baked_blend": "scene.blend",
        "frames": "1-6",
        "frame_count": 6,
        "shards": 1,
        "frames_sent_at": "2026",
        "blender_version": VERSION,
        "blender_build": BUILD,
        "blender_form": "executable",
    }
    job = a_job(
        job_id,
        project=job_id,
        name="scene.blend",
        bucket=cloud.aws.render_bucket_name,
        source_key=f"{job_id}/scene.blend",
        source_version=version,
        source_bytes=len(content),
        **(rendering if baked else {}),
    )
    cloud.aws.dynamodb.put_item(TableName=cloud.aws.job_table_name, Item={**job_key(job_id), **job.to_item()})
    if baked:
        folder = Scratch(cloud.state.scratch).baked(job_id, "baked-1")
        folder.mkdir(parents=True)
        (folder / "scene.blend").write_bytes(content)
        FrameStore(cloud.aws.dynamodb, cloud.aws.job_table_name, "test").expect(job_id, range(1, 7), 1)
    return job_id


def _count(aws: AwsEdges, url: str, name: QueueAttributeNameType) -> int:
    answer = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(answer["Attributes"][name])
