"""Each of the doctor's checks, well and not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from contract.runtimes import RuntimeSpec
from farm.doctor import account, here, laptop, parts, stacks
from farm.doctor.finding import Finding, Level, Said, broken, examine, well
from farm.local import emulator, processes
from farm.local.blenders import NoBlenderError
from farm.local.state import FarmRecord, StateFolder
from stacks.farm_version import OUTPUT, farm_version
from tests.support.aws_edges import AwsEdges, aws_edges

TOPIC = "arn:aws:sns:eu-central-1:123456789012:told"


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Ask")


def fails(error: Exception) -> Any:
    def check() -> Said:
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("AccessDeniedException"), "may not ask"),
        (EndpointConnectionError(endpoint_url="http://x"), "Could not connect"),
        (KeyError("DeadLetterQueueUrl"), "DeadLetterQueueUrl"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_check_that_fails_is_told_and_the_next_is_made(error: Exception, words: str) -> None:
    found = list(examine([("one", fails(error)), ("two", lambda: well("fine"))]))
    assert [finding.level for finding in found] == [Level.WARNING, Level.WELL]
    assert found[0].words.startswith("not checked")
    assert words in found[0].words


def test_a_finding_for_json() -> None:
    (found,) = examine([("disk", lambda: broken("full", "make room"))])
    assert found == Finding(check="disk", level=Level.BROKEN, words="full", advice="make room")
    assert json.loads(json.dumps(found.to_map())) == {
        "check": "disk",
        "level": "broken",
        "words": "full",
        "advice": "make room",
    }


def no_blender() -> list[RuntimeSpec]:
    raise NoBlenderError("there is none")


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        (here.python((3, 11, 4)), Level.WELL, "3.11.4"),
        (here.python((3, 10, 9)), Level.BROKEN, "does not fit"),
        (here.python((3, 11, 0)), Level.BROKEN, "does not fit"),
        (here.python((3, 12, 1)), Level.BROKEN, "does not fit"),
        (here.blender(lambda: [RuntimeSpec(version="4.5.15", path="/x/blender")]), Level.WELL, "4.5.15"),
        (here.blender(no_blender), Level.WARNING, "there is none"),
        (here.disk(Path("/no/such"), lambda _: 50 * 1024**3), Level.WELL, "50.0 GB are free at /"),
        (here.disk(Path("/"), lambda _: 2 * 1024**3), Level.WARNING, "2.0 GB"),
        (here.disk(Path("/"), lambda _: 1024), Level.BROKEN, "0.0 GB"),
    ],
)
def test_this_computer(said: Said, level: Level, words: str) -> None:
    assert said.level is level
    assert words in said.words


def test_whose_credentials_these_are(aws: AwsEdges) -> None:
    said = account.identity(boto3.client("sts"), "eu-central-1")
    assert said.level is Level.WELL
    assert "account 123456789012" in said.words


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_are_refused(code: str) -> None:
    class Refusing:
        def get_caller_identity(self) -> None:
            raise refusal(code)

    said = account.identity(Refusing(), "eu-central-1")
    assert (said.level, code in said.words) == (Level.BROKEN, True)
    assert "aws configure" in said.advice


def made(aws: AwsEdges, *, on_demand: int, most: int, types: tuple[str, ...]) -> str:
    """A group of workers in moto."""
    ec2 = boto3.client("ec2")
    template = ec2.create_launch_template(
        LaunchTemplateName="t", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": types[0]}
    )["LaunchTemplate"]["LaunchTemplateId"]
    aws.autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="workers",
        MinSize=0,
        MaxSize=most,
        AvailabilityZones=["eu-central-1a"],
        MixedInstancesPolicy={
            "LaunchTemplate": {
                "LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "$Latest"},
                "Overrides": [{"InstanceType": each} for each in types],
            },
            "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": on_demand},
        },
    )
    return "workers"


class Quotas:
    """Service Quotas as it answers; moto's numbers cannot be chosen."""

    def __init__(self, **values: float) -> None:
        self.values = {code.replace("_", "-"): value for code, value in values.items()}
        self.asked: list[str] = []

    def get_service_quota(self, *, ServiceCode: str, QuotaCode: str) -> Any:  # noqa: N803
        assert ServiceCode == "ec2"
        self.asked.append(QuotaCode)
        return {"Quota": {"Value": self.values[QuotaCode]}}


@pytest.mark.parametrize(
    ("on_demand", "quotas", "level", "words"),
    [
        (
            0,
            {"L_34B43A08": 160.0},
            Level.WELL,
            "Spot standard quota is 160 vCPUs, enough for 20 machines of 8",
        ),
        (0, {"L_34B43A08": 32.0}, Level.WARNING, "4 of 20 machines of 8 fit"),
        (0, {"L_34B43A08": 5.0}, Level.BROKEN, "not one machine of 8 fits"),
        (100, {"L_1216C47A": 1000.0}, Level.WELL, "On-Demand standard"),
        (50, {"L_34B43A08": 160.0, "L_1216C47A": 0.0}, Level.BROKEN, "On-Demand standard quota is 0"),
    ],
)
def test_quotas(aws: AwsEdges, on_demand: int, quotas: dict[str, float], level: Level, words: str) -> None:
    group = made(aws, on_demand=on_demand, most=20, types=("m5.2xlarge", "m6i.2xlarge"))
    service = Quotas(**quotas)
    said = account.quotas(aws.autoscaling, service, group)
    assert said.level is level
    assert words in said.words
    assert sorted(service.asked) == sorted(service.values)


def test_quotas_of_a_group_that_is_not_there(aws: AwsEdges) -> None:
    assert account.quotas(aws.autoscaling, Quotas(), "nosuch").level is Level.BROKEN


def test_quotas_by_family() -> None:
    found = account.by_quota(["m6i.2xlarge", "g5.xlarge", "g6.xlarge", "p5.48xlarge", "c7a.large"])
    assert found == {
        "standard": ["m6i.2xlarge", "c7a.large"],
        "G and VT": ["g5.xlarge", "g6.xlarge"],
        "p": ["p5.48xlarge"],
    }


@pytest.mark.parametrize(("kind", "count"), [("m5.large", 2), ("m5.xlarge", 4), ("m5.12xlarge", 48)])
def test_processors(kind: str, count: int) -> None:
    assert account.processors(kind) == count


NAMES = ("F-Storage", "F-Queues")


def stack(status: str, version: str | None = "v1") -> dict[str, Any]:
    outputs = [{"OutputKey": OUTPUT, "OutputValue": version}] if version else []
    return {"StackStatus": status, "Outputs": outputs}


@pytest.mark.parametrize(
    ("queues", "level", "words"),
    [
        (stack("UPDATE_COMPLETE"), Level.WELL, "all 2"),
        (None, Level.BROKEN, "missing: F-Queues"),
        (stack("UPDATE_IN_PROGRESS"), Level.WARNING, "goes on"),
        (stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), Level.WARNING, "goes on"),
        (stack("ROLLBACK_COMPLETE"), Level.BROKEN, "F-Queues (ROLLBACK_COMPLETE)"),
        (stack("UPDATE_ROLLBACK_FAILED"), Level.BROKEN, "failed"),
        (stack("UPDATE_ROLLBACK_COMPLETE"), Level.WARNING, "taken back"),
    ],
)
def test_stacks(queues: dict[str, Any] | None, level: Level, words: str) -> None:
    found = {"F-Storage": stack("CREATE_COMPLETE"), **({"F-Queues": queues} if queues else {})}
    said = stacks.complete(found, NAMES)
    assert said.level is level
    assert words in said.words


@pytest.mark.parametrize(
    ("versions", "level", "words"),
    [
        (("v1", "v1"), Level.WELL, "the code of this checkout (v1)"),
        (("v0", "v0"), Level.WARNING, "the farm runs other code"),
        (("v1", "v0"), Level.WARNING, "F-Queues runs other code"),
        ((None, None), Level.WARNING, "of no known version"),
    ],
)
def test_versions(versions: tuple[str | None, ...], level: Level, words: str) -> None:
    pairs = zip(NAMES, versions, strict=True)
    said = stacks.version({name: stack("CREATE_COMPLETE", version) for name, version in pairs}, "v1")
    assert said.level is level
    assert words in said.words


def test_only_this_farms_stacks_are_looked_at() -> None:
    class CloudFormation:
        """As CloudFormation answers; moto wants another library for it."""

        def get_paginator(self, name: str) -> Any:
            assert name == "describe_stacks"
            return self

        def paginate(self) -> Any:
            yield {"Stacks": [{"StackName": "F-Storage", **stack("DELETE_COMPLETE")}]}
            for name in ("F-Storage", "Other-Storage"):
                yield {"Stacks": [{"StackName": name, **stack("CREATE_COMPLETE", farm_version())}]}

    found = stacks.described(CloudFormation(), NAMES)
    assert list(found) == ["F-Storage"]
    assert stacks.version(found, farm_version()).level is Level.WELL
    assert stacks.complete(found, NAMES).level is Level.BROKEN


def test_bucket_and_table(aws: AwsEdges) -> None:
    assert parts.bucket(aws.s3, aws.render_bucket_name).level is Level.WELL
    assert parts.table(aws.dynamodb, aws.job_table_name).level is Level.WELL
    gone = (parts.bucket(aws.s3, "nosuch-bucket"), parts.table(aws.dynamodb, "nosuch"))
    for said in gone:
        assert said.level is Level.BROKEN
        assert "gone" in said.words
        assert said.advice


def outputs(aws: AwsEdges) -> dict[str, str]:
    return {
        "BakeQueueUrl": aws.bake_queue_url,
        "RenderQueueUrl": aws.render_queue_url,
        "UrgentQueueUrl": aws.urgent_queue_url,
        "DeadLetterQueueUrl": aws.dead_letter_queue_url,
    }


def test_queues(aws: AwsEdges) -> None:
    aws.sqs.send_message(QueueUrl=aws.render_queue_url, MessageBody="x")
    said = parts.queues(aws.sqs, outputs(aws))
    assert said == well("tasks waiting or in work: bake 0, render 1, urgent 0, dead letters 0")
    aws.sqs.delete_queue(QueueUrl=aws.urgent_queue_url)
    said = parts.queues(aws.sqs, outputs(aws))
    assert (said.level, said.words) == (Level.BROKEN, "the queue is gone: urgent")
    assert parts.queues(aws.sqs, {}).level is Level.BROKEN


def test_dead_letters(aws: AwsEdges) -> None:
    assert parts.dead_letters(aws.sqs, aws.dead_letter_queue_url).level is Level.WELL
    aws.sqs.send_message(QueueUrl=aws.dead_letter_queue_url, MessageBody="x")
    said = parts.dead_letters(aws.sqs, aws.dead_letter_queue_url)
    assert (said.level, said.words[:7]) == (Level.WARNING, "1 tasks")


def heard(*suffixes: str) -> Any:
    class S3:
        """As S3 answers; moto wants a Lambda to be there."""

        def get_bucket_notification_configuration(self, **_: str) -> dict[str, Any]:
            rules = [[{"Name": "Suffix", "Value": suffix}] for suffix in suffixes]
            told = [{"Filter": {"Key": {"FilterRules": rule}}} for rule in rules]
            return {"LambdaFunctionConfigurations": told} if told else {}

    return S3()


def test_the_buckets_notification() -> None:
    assert parts.notification(heard(".blend", ".tar.gz", ".tgz", ".zip", ".ZIP"), "b").level is Level.WELL
    said = parts.notification(heard(".blend", ".tgz"), "b")
    assert (said.level, ".tar.gz, .zip" in said.words) == (Level.BROKEN, True)
    assert parts.notification(heard(), "b").level is Level.BROKEN


def test_alarms_that_call_people(aws: AwsEdges) -> None:
    for name, actions in (("Scaling", []), ("DeadLetters", [TOPIC])):
        aws.cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"{name}, in words",
            AlarmActions=actions,
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            Threshold=1,
            MetricName="m",
            Namespace="n",
            Period=60,
            Statistic="Sum",
        )
    aws.cloudwatch.set_alarm_state(AlarmName="Scaling", StateValue="ALARM", StateReason="work")
    assert parts.alarms(aws.cloudwatch, TOPIC).level is Level.WELL
    aws.cloudwatch.set_alarm_state(AlarmName="DeadLetters", StateValue="ALARM", StateReason="x")
    said = parts.alarms(aws.cloudwatch, TOPIC)
    assert (said.level, said.words) == (Level.WARNING, "DeadLetters: DeadLetters, in words")


def told(*arns: str) -> Any:
    class Sns:
        """As SNS answers; moto confirms at once."""

        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: str) -> Any:
            return [{"Subscriptions": [{"SubscriptionArn": arn}]} for arn in arns]

    return Sns()


@pytest.mark.parametrize(
    ("sns", "level", "words"),
    [
        (told(f"{TOPIC}:1"), Level.WELL, "1 confirmed"),
        (told(), Level.WARNING, "nobody is told"),
        (told(f"{TOPIC}:1", "PendingConfirmation"), Level.WARNING, "1 of 2 subscriptions wait"),
    ],
)
def test_who_is_told(sns: Any, level: Level, words: str) -> None:
    said = parts.subscription(sns, TOPIC)
    assert said.level is level
    assert words in said.words


def test_the_laptop_farms_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateFolder(tmp_path)
    state.prepare()
    record = FarmRecord(endpoint="http://127.0.0.1:1")
    assert "emulator does not answer" in laptop.running(state, record).words
    monkeypatch.setattr(emulator, "healthy", lambda _: True)
    said = laptop.running(state, record)
    assert (said.level, "fleet is not running" in said.words) == (Level.BROKEN, True)
    monkeypatch.setattr(processes, "recorded", lambda *_: object())
    assert laptop.running(state, record).level is Level.WELL
    state.fleet_report.write_text(json.dumps({"problem": "agents end at once"}))
    assert laptop.running(state, record).level is Level.WARNING


def test_the_version_changes_with_what_is_deployed_alone(tmp_path: Path) -> None:
    for name in ("app.py", "requirements.txt", "stacks/a.py", "contract/a.py", "farm/a.py", "tests/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = farm_version(tmp_path)
    for name in ("farm/a.py", "tests/a.py", "stacks/.a.py.swp", "stacks/a.pyc"):
        (tmp_path / name).write_text("2")
    assert farm_version(tmp_path) == before
    (tmp_path / "contract/a.py").write_text("2")
    assert farm_version(tmp_path) != before
