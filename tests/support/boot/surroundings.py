"""What a machine finds around it when it boots: AWS, and user data that lead it there."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from contract.boot import boot_key
from contract.job import Job
from contract.table import job_key
from contract.tasks import BakeTask, encode
from farm.local.environment import REGION
from farm.local.group import StandingGroup
from farm.local.machines import LifecycleState, Machines
from farm.local.metadata import MetadataServer
from stacks.agent_wheels import downloaded_wheels
from stacks.assets import ROOT
from tests.support.emulator import AwsClients, an_emulator, make_job_table
from tests.support.jobs import a_job
from tests.support.synthesized import synthesized
from tests.support.user_data import settings_in, written_files

WORKER: Final = "i-0123456789abcdef0"
BUCKET, LOG_GROUP, DEPLOY = "renders", "workers", "deploy-1"
_QUEUES: Final = ("bake", "render", "urgent", "dead_letter")
_SCENE: Final = b"BLENDER-v405" + b"ENDB" + bytes(20)
"""Of a .blend just its ends: a stand-in for Blender reads none of it, and the agent its version."""


@dataclass(frozen=True)
class Surroundings:
    endpoint: str
    aws: AwsClients
    machines: Machines
    metadata: MetadataServer

    @property
    def env(self) -> dict[str, str]:
        """What leads a machine's programs here."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **self.metadata.environment_for(WORKER),
        }

    def user_data(self, **boot: str) -> str:
        """As the stack makes it, with what is deployed here, and with these settings of the boot."""
        (template,) = synthesized().resources("AWS::EC2::LaunchTemplate")
        script: str = template.properties["LaunchTemplateData"]["UserData"]
        files = written_files(script)
        for name, ours in (("agent", self._agent()), ("boot", {**_boot(), **boot})):
            text = files[f"/etc/render-worker/{name}.env"]
            settings = {**settings_in(text), **ours}
            lines = [f"{variable}={shlex.quote(value)}\n" for variable, value in settings.items()]
            script = script.replace(text, "".join(lines))
        return script

    def _agent(self) -> dict[str, str]:
        queues = {
            f"FARM_{name.upper()}_QUEUE_URL": f"{self.endpoint}/000000000000/{name}" for name in _QUEUES
        }
        return {
            "FARM_RENDER_BUCKET_NAME": BUCKET,
            "FARM_JOB_TABLE_NAME": "jobs",
            "FARM_LOG_GROUP_NAME": LOG_GROUP,
            "FARM_WORKER_ASG_NAME": "workers",
            "FARM_BLENDER_RUNTIMES": "4.5.15",
            "FARM_POLL_SECONDS": "1",
            "FARM_IDLE_SECONDS": "900",
            "FARM_DEPLOY_VERSION": DEPLOY,
            "AWS_DEFAULT_REGION": REGION,
            **queues,
        }

    def submit(self, job_id: str) -> None:
        """A job of one frame, as the listener leaves it."""
        key = f"show/{job_id}.blend"
        put = self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=_SCENE)
        job = a_job(
            job_id,
            project="show",
            name=f"{job_id}.blend",
            bucket=BUCKET,
            source_key=key,
            source_version=put["VersionId"],
            source_bytes=len(_SCENE),
            options={"frames": "1"},
        )
        table = self.aws.table_client()
        table.put_item(TableName="jobs", Item={**job_key(job_id), **job.to_item()})
        message = encode(BakeTask(job_id))
        self.aws.client("sqs").send_message(QueueUrl=self._queue("bake"), MessageBody=message)

    def _queue(self, name: str) -> str:
        return f"{self.endpoint}/000000000000/{name}"

    def job(self, job_id: str) -> Job:
        item = self.aws.table_client().get_item(TableName="jobs", Key=job_key(job_id))["Item"]
        return Job.from_item(item)

    def failed_boots(self) -> Mapping[str, Any]:
        found = self.aws.table_client().get_item(TableName="jobs", Key=boot_key(DEPLOY))
        return dict(found.get("Item", {}))

    def forget_failed_boots(self) -> None:
        """And have the machine in service again."""
        self.aws.table_client().delete_item(TableName="jobs", Key=boot_key(DEPLOY))
        self.machines.remove(WORKER)
        self.machines.add(WORKER)

    @property
    def is_in_service(self) -> bool:
        return self.machines.state(WORKER) is LifecycleState.IN_SERVICE

    def logged(self) -> str:
        """What the machine's log stream says."""
        logs = self.aws.client("logs")
        events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=WORKER)["events"]
        return "\n".join(event["message"] for event in events)


def _boot() -> dict[str, str]:
    return {
        "AGENT_ARCHIVE": "s3://assets/agent.zip",
        "WHEELS_ARCHIVE": "s3://assets/wheels.zip",
        "FILE_SYSTEM": "fs-0123456789abcdef0",
        "ACCESS_POINT": "fsap-0123456789abcdef0",
        "LOG_GROUP": LOG_GROUP,
        "BOOT_KEY": json.dumps({name: {"S": value} for name, value in boot_key(DEPLOY).items()}),
    }


@contextmanager
def surroundings(folder: Path) -> Iterator[Surroundings]:
    with an_emulator(folder / "emulator") as endpoint:
        aws = AwsClients(endpoint, attempts=3)
        s3, sqs = aws.client("s3"), aws.client("sqs")
        for name in ("assets", BUCKET):
            s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="assets", Key="agent.zip", Body=_zipped(ROOT, "contract", "worker_agent"))
        s3.put_object(Bucket="assets", Key="wheels.zip", Body=_zipped(downloaded_wheels(), "."))
        for name in _QUEUES:
            sqs.create_queue(QueueName=name)
        aws.client("logs").create_log_group(logGroupName=LOG_GROUP)
        make_job_table(aws.table_client())
        machines = Machines()
        metadata = MetadataServer(machines, StandingGroup(machines, may_shrink=True))
        metadata.start()
        try:
            yield Surroundings(endpoint, aws, machines, metadata)
        finally:
            metadata.stop()


def _zipped(root: Path, *names: str) -> bytes:
    """As the CDK would: an asset of these folders."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            for path in sorted((root / name).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(root))
    return packed.getvalue()
