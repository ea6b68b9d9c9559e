"""The doctor's checks of the AWS account, well and not: whose it is, how many machines its quotas allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from farm.doctor import account
from farm.doctor.finding import Level
from tests.support.aws_edges import AwsEdges, aws_edges


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


def test_whose_credentials_these_are(aws: AwsEdges) -> None:
    said = account.identity(boto3.client("sts"), "eu-central-1")
    assert said.level is Level.WELL
    assert "account 123456789012" in said.words


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_are_refused(code: str) -> None:
    class Refusing:
        def get_caller_identity(self) -> None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Ask")

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
