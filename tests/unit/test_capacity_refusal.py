"""AWS's words for a launch that it refused, as people have met them, and what a person is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.measure_backlog.observation import Group
from functions.measure_backlog.refusal import MAX_LENGTH, in_plain_words, newest_refusal

GROUP = Group(
    desired_capacity=2,
    instance_types=("m6i.2xlarge", "m5.2xlarge"),
    zones=("eu-central-1a", "eu-central-1b"),
)
FAILED = " Launching EC2 instance failed."
NO_SPOT = (
    "AWS has no Spot machine of these types free now (m6i.2xlarge, m5.2xlarge)"
    " in these zones (eu-central-1a, eu-central-1b): it is asked again until there is one"
)
SPOT_QUOTA = (
    "the account's quota for Spot machines is too small for one more: ask AWS for more under"
    " Service Quotas, Amazon EC2, Spot Instance Requests"
)
VCPUS = (
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket"
    " that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request"
    " to request an adjustment to this limit."
)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your"
            " request configuration. Please adjust your request and try again.",
            NO_SPOT,
        ),
        (
            "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity"
            " available that matches your request.",
            NO_SPOT,
        ),
        (
            "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have"
            " sufficient m5.2xlarge capacity in the Availability Zone you requested (eu-central-1b). Our"
            " system will be working on provisioning additional capacity. You can currently get m5.2xlarge"
            " capacity by not specifying an Availability Zone in your request or choosing eu-central-1a.",
            "AWS has no On-Demand machine of these types free now (m5.2xlarge) in these zones"
            " (eu-central-1b): it is asked again until there is one",
        ),
        (
            "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count"
            " exceeded.",
            SPOT_QUOTA,
        ),
        ("Max spot instance count exceeded.", SPOT_QUOTA),
        (
            f"Could not launch On-Demand Instances. VcpuLimitExceeded - {VCPUS}",
            "the account's quota for On-Demand machines of these types (m6i.2xlarge, m5.2xlarge) is 32 vCPUs,"
            " too few for one more: ask AWS for more under Service Quotas, Amazon EC2",
        ),
        (
            "Could not launch On-Demand Instances. VcpuLimitExceeded - no number here.",
            "the account's quota for On-Demand machines of these types (m6i.2xlarge, m5.2xlarge) is too small"
            " for one more: ask AWS for more under Service Quotas, Amazon EC2",
        ),
        (
            "You have requested more instances (6) than your current instance limit of 5 allows for the"
            " specified instance type.",
            "AWS starts no machine: You have requested more instances (6) than your current instance limit of"
            f" 5 allows for the specified instance type.{FAILED}",
        ),
        (
            "The key pair 'studio' does not exist.",
            f"AWS starts no machine: The key pair 'studio' does not exist.{FAILED}",
        ),
    ],
)
def test_what_aws_says_in_words_that_are_understood(message: str, words: str) -> None:
    assert in_plain_words(message + FAILED, GROUP) == words


def test_words_that_nobody_knows_are_one_line_that_does_no_harm() -> None:
    words = in_plain_words("a\x1b[31m\nb\t" + "x" * 1000, GROUP)
    assert words.startswith("AWS starts no machine: a [31m b xxx")
    assert words.isprintable()
    assert len(words) == len("AWS starts no machine: ") + MAX_LENGTH


def test_a_group_without_types_and_zones_is_no_riddle() -> None:
    words = in_plain_words("There is no Spot capacity available", Group(desired_capacity=1))
    assert "types free now (any) in these zones (any)" in words


TERMINATION = {"Description": "Terminating EC2 instance: i-1"}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def launch(code: str, minute: int, message: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "Description": "Launching a new EC2 instance",
        "StatusCode": code,
        "StartTime": NOW + timedelta(minutes=minute),
        **({"StatusMessage": message} if message else {}),
        **changes,
    }


@pytest.mark.parametrize(
    ("activities", "refusal"),
    [
        ([], ""),
        ([launch("Failed", 1, "x")], "x"),
        ([launch("Cancelled", 1, "x")], "x"),
        ([launch("Failed", 1, "older"), launch("Failed", 2, "newer")], "newer"),
        ([launch("Failed", 2, "newer"), launch("Failed", 1, "older")], "newer"),
        ([launch("Successful", 2), launch("Failed", 1, "x")], ""),
        ([launch("Failed", 2, "x"), launch("Successful", 1)], "x"),
        ([launch("Successful", 1), launch("Failed", 1, "a part was granted")], "a part was granted"),
        ([launch("InProgress", 3), launch("PreInService", 2), launch("Failed", 1, "x")], "x"),
        ([launch("Cancelled", 2), launch("Successful", 1)], ""),
        ([launch("Failed", 2, "x", **TERMINATION)], ""),
        (
            [launch("Successful", 2, **TERMINATION), launch("Failed", 1, "x")],
            "x",
        ),
        ([launch("Failed", -1, "before the jobs")], ""),
    ],
)
def test_the_newest_launch_decides(activities: list[dict[str, Any]], refusal: str) -> None:
    assert newest_refusal(activities, since="2026-11-24T12:00:00.000Z") == refusal
