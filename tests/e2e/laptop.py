"""A laptop farm for tests: the real command as a child, and eyes on what it made."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from contract.job import Job
from contract.keys import make_job_id
from farm.jobs import Farm
from farm.local import clients
from farm.local.environment import MARKER, child_environment
from farm.local.state import FarmRecord, StateFolder
from tests.support.ctrl_c import hear_ctrl_c
from tests.support.terminals import without_terminal

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class LaptopFarm:
    """Lives in a folder of its own, beside whatever farm the developer has running."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    """Settings of this farm's own."""

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.folder / "state")

    @property
    def env(self) -> dict[str, str]:
        ours = {"FARM_STATE_DIR": str(self.state.root), "PYTHONPATH": str(ROOT)}
        return {**without_terminal(os.environ), **ours, **self.variables}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin `farm local …` in the farm's folder."""
        return self.command("local", *arguments)

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin `farm …` in the farm's folder."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "farm", *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=hear_ctrl_c,
        )

    def run(self, *arguments: str, seconds: float = 240) -> tuple[int, str]:
        """`farm local …`: its exit status and all it said."""
        return self.call("local", *arguments, seconds=seconds)

    def call(self, *arguments: str, seconds: float = 240) -> tuple[int, str]:
        """`farm …`: its exit status and all it said."""
        with self.command(*arguments) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except BaseException:
                process.kill()
                raise
        return process.returncode, said

    @cached_property
    def record(self) -> FarmRecord:
        record = self.state.read_farm()
        assert record, "the laptop farm is not up"
        return record

    @cached_property
    def farm(self) -> Farm:
        return clients.farm_of(self.record)

    def upload(self, file: Path, key: str, metadata: Mapping[str, str] | None = None) -> str:
        """Put a file into the bucket as any S3 tool would; the id of its job."""
        with file.open("rb") as body:
            answer = self.farm.s3.put_object(
                Bucket=self.farm.bucket, Key=key, Body=body, Metadata=dict(metadata or {})
            )
        return make_job_id(self.farm.bucket, key, answer["VersionId"])

    def aws(self, *arguments: str) -> str:
        """The plain AWS command line, led to the emulator by its environment alone."""
        env = child_environment(os.environ, endpoint=self.record.endpoint, state_dir=self.state.root)
        command = [str(Path(sys.executable).parent / "aws"), *arguments]
        env.pop(MARKER)
        return subprocess.run(
            command, env=env, check=True, capture_output=True, text=True, timeout=120
        ).stdout

    def wait(self, job_id: str, seconds: float = 120) -> Job:
        """The job, once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.farm.records.job(job_id)
            if job and job.state.ended:
                return job
            assert time.monotonic() < deadline, f"{job_id} has not ended: {job}\n{self.logs()}"
            time.sleep(0.3)

    def frames(self, job: Job) -> dict[str, bytes]:
        """Every frame of a job in the bucket, by its name."""
        prefix = f"{job.project}/output/{job.job_id}/frames/"
        listed = self.farm.s3.list_objects_v2(Bucket=self.farm.bucket, Prefix=prefix).get("Contents", [])
        return {
            item["Key"].removeprefix(prefix): self.farm.s3.get_object(
                Bucket=self.farm.bucket, Key=item["Key"]
            )["Body"].read()
            for item in listed
        }

    def messages(self) -> dict[str, int]:
        """All messages on each queue, waiting or held."""
        sqs = clients.queues(self.record.endpoint)
        found = {}
        for name in ("BakeQueueUrl", "RenderQueueUrl", "UrgentQueueUrl", "DeadLetterQueueUrl"):
            url = self.record.outputs[name]
            values = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            found[name] = sum(
                int(value) for key, value in values.items() if key.startswith("ApproximateNumberOfMessages")
            )
        return found

    def logs(self) -> str:
        """The end of every log, for a test that fails."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
            for path in sorted(self.state.logs.glob("*.log"))
        )


def keep_agents(farm: LaptopFarm, count: int) -> None:
    """So many agents run, whatever the backlog wants."""
    clients.scaling(farm.record.endpoint).update_auto_scaling_group(
        AutoScalingGroupName=farm.record.outputs["WorkerGroupName"], MinSize=count
    )


@contextmanager
def a_farm(folder: Path, *, up: bool = True, **variables: str) -> Iterator[LaptopFarm]:
    """A laptop farm that is down in the end, and leaves no process."""
    farm = LaptopFarm(folder, variables)
    try:
        if up:
            code, said = farm.run("up")
            assert code == 0, said
        yield farm
    finally:
        code, said = farm.run("down")
        assert code == 0, said
        assert processes_of(farm.state) == []


def processes_of(state: StateFolder) -> list[str]:
    """Command lines of everything that has this state folder in its environment."""
    mark = str(state.root).encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.name != str(os.getpid()) and mark in (path / "environ").read_bytes():
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
