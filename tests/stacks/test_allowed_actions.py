"""All that anybody may do to the farm, against the list in allowed_actions.txt."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.support.allow_list import UNSCOPED, AllowList, format_grants
from tests.support.granted import Grant, granted
from tests.support.synthesized import Synthesized, synthesized

LIST = Path(__file__).with_name("allowed_actions.txt")
EVERYTHING_ON = {
    "build_node_image": "yes",
    "monthly_budget_dollars": "50",
    "node_key_name": "my-key",
    "notification_email": "producer@studio.example",
    "ssh_cidr": "203.0.113.7/32",
}
UNSCOPED_ALL_THE_SAME = {
    # "Using condition keys to limit access to CloudWatch namespaces" (CloudWatch): `*`, and the namespace
    "cloudwatch:PutMetricData",
    # "Giving Lambda functions access to resources in an Amazon VPC" (Lambda): all four on `*`
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
}
"""Actions whose resource types AWS's reference knows, but whose guides want every resource."""


@cache
def all_grants() -> frozenset[Grant]:
    """Of the farm as it comes, and of one with everything that variables add."""
    return frozenset(granted(synthesized()) | granted(synthesized(**EVERYTHING_ON)))


@cache
def allowed() -> AllowList:
    return AllowList.read(LIST)


@cache
def aws_actions() -> dict[str, Any]:
    """Of each service its actions and their resource types, as AWS's policy generator knows them."""
    data = files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json")
    services = json.loads(data.read_text())
    return {
        f"{service}:{action}".lower(): about
        for service, found in services.items()
        for action, about in found["Actions"].items()
    }


def test_the_templates_allow_what_the_list_says_and_nothing_else() -> None:
    new, gone = all_grants() - allowed().grants, allowed().grants - all_grants()
    assert not new, f"not in {LIST.name}. Needed by code that you can name? Then add:\n{format_grants(new)}"
    assert not gone, f"in {LIST.name}, and in no template. Take out:\n{format_grants(gone)}"


def test_every_resource_is_named_but_where_aws_has_none_to_name() -> None:
    everywhere = {g.action for g in all_grants() if g.effect == "allow" and _is_everything(g.resource)}
    assert everywhere == set(allowed().unscoped), f"against section [{UNSCOPED}] of {LIST.name}"


def test_what_is_said_to_have_no_resource_has_none_in_awss_reference() -> None:
    scoped = {a for a in allowed().unscoped if aws_actions()[a.lower()].get("Resources")}
    assert scoped == UNSCOPED_ALL_THE_SAME


def test_every_allowed_action_is_one_of_awss() -> None:
    actions = {g.action for g in all_grants() if g.effect == "allow"}
    assert not [action for action in sorted(actions) if action.lower() not in aws_actions()]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"NotAction": "s3:GetObject"}, "does not read"),
        ({"NotResource": "arn:aws:s3:::a"}, "does not read"),
        ({"Resource": {"Fn::Select": [0, ["*"]]}}, "not resolved"),
    ],
    ids=str,
)
def test_a_policy_that_cannot_be_read_is_not_passed_over(part: dict[str, Any], problem: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*", **part}
    with pytest.raises(AssertionError, match=problem):
        granted(farm_with("AWS::IAM::Policy", PolicyDocument={"Statement": [statement]}, Roles=["Role"]))


def test_a_policy_of_any_other_resource_counts_too() -> None:
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Principal": "*", "Resource": "*"}
    farm = farm_with("AWS::KMS::Key", KeyPolicy={"Statement": [statement]})
    assert granted(farm) == {Grant("anyone", "allow", "kms:Decrypt", "arn:Only/One")}


def test_a_managed_policy_is_not_taken_on_trust() -> None:
    trust: dict[str, list[object]] = {"Statement": []}
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    with pytest.raises(AssertionError, match="AdministratorAccess"):
        granted(farm_with("AWS::IAM::Role", AssumeRolePolicyDocument=trust, ManagedPolicyArns=[arn]))


def _is_everything(resource: str) -> bool:
    """`*`, or all that one service of this account has."""
    return resource == "*" or resource.endswith((":*", ":*/*"))


def farm_with(resource_type: str, **properties: object) -> Synthesized:
    return Synthesized({"Only": {"Resources": {"One": {"Type": resource_type, "Properties": properties}}}})
