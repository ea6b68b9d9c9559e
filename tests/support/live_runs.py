"""A live examination whose services misbehave on purpose; what is well runs for real in tests/e2e."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from contract.job import Job
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Ruling, Seen

OUTPUTS = {
    name: name
    for name in (
        "RenderBucketName",
        "JobTableName",
        "RenderQueueUrl",
        "BakeQueueUrl",
        "WorkerGroupName",
        "WorkerLogGroupName",
        "JanitorFunctionName",
        "JobsWidgetFunctionName",
        "BacklogFunctionName",
        "SweepFunctionName",
        "JobActionFunctionName",
    )
}


def refusal(code: str, message: str = "no", **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, **more}
    return ClientError(response, "Ask")


def raising(error: Exception) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> Any:
        raise error

    return call


def giving(**answer: Any) -> Callable[..., Any]:
    return lambda *_, **__: answer


class Clients(SimpleNamespace):
    """`client("ec2")` is the attribute of that name."""

    def client(self, service: str) -> Any:
        return getattr(self, service)


def a_run(*, job: Job | None = None, others: tuple[Job, ...] = (), **services: Any) -> LiveRun:
    """Its time passes only while it waits: 100 s in all. Its machines are none unless `scaling` says so."""
    seconds = itertools.count(0.0, 0.0)
    passed = [0.0]
    group = {"DesiredCapacity": 0, "Instances": []}
    services.setdefault(
        "scaling", SimpleNamespace(describe_auto_scaling_groups=giving(AutoScalingGroups=[group]))
    )
    farm: Any = SimpleNamespace(
        name="test",
        outputs=OUTPUTS,
        clients=Clients(**services),
        records=SimpleNamespace(
            job=lambda _: job,
            unfinished_jobs=lambda: list(others),
            latest_jobs=lambda _: list(others),
            workers=lambda _: [],
        ),
    )

    def pause(asked: float) -> None:
        passed[0] += asked

    run = LiveRun(
        farm=farm, run_id="0a1b", clock=lambda: passed[0] + next(seconds), pause=pause, job_id="job-1"
    )
    run.begin(100)
    return run


def group_with(*instances: Mapping[str, Any], desired: int = 1, **calls: Any) -> Any:
    group = {"DesiredCapacity": desired, "Instances": list(instances)}
    return SimpleNamespace(describe_auto_scaling_groups=giving(AutoScalingGroups=[group]), **calls)


def assert_seen(seen: Seen, ruling: Ruling, words: str) -> None:
    assert seen.ruling is ruling, seen
    assert words in seen.words
