"""Everything that the synthesized templates allow or deny anybody, by principal, action and resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.synthesized import Resource, Synthesized

MANAGED = {
    "AWSLambdaBasicExecutionRole": ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
}
"""What AWS's own policies allow, each on every resource (AWS managed policy reference guide)."""
_READ = {"Effect", "Action", "Resource", "Condition", "Principal", "Sid"}
_CONTENT_HASH = re.compile(r"\b[0-9a-f]{64}\b")


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    principal: str
    """A role's construct path, an AWS service, or `anyone`."""
    effect: str
    """`allow` or `deny`."""
    action: str
    resource: str
    """Resolved (tests.support.synthesized); the hash in an asset's key is `<hash>`."""
    condition: str = ""
    """As in `StringEquals aws:SourceAccount=123456789012`, several joined with `and`."""


def granted(farm: Synthesized) -> set[Grant]:
    """Every grant and denial of every policy in the templates, AWS's managed policies expanded.

    Raises AssertionError at a policy, or a part of one, that this cannot read: nothing is left out unseen.
    """
    return {grant for resource in _all(farm) for grant in _of(resource)}


def _all(farm: Synthesized) -> Iterator[Resource]:
    types = {raw["Type"] for template in farm.templates.values() for raw in template["Resources"].values()}
    for resource_type in sorted(types):
        yield from farm.resources(resource_type)


def _of(resource: Resource) -> Iterator[Grant]:
    properties = resource.properties
    documents = list(_documents(properties))
    match resource.type:
        case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
            for holder in _holders(properties):
                yield from _statements(properties["PolicyDocument"], holder, "")
            read = 1
        case "AWS::IAM::Role":
            yield from _statements(properties["AssumeRolePolicyDocument"], "", resource.name)
            for policy in properties.get("Policies", []):
                yield from _statements(policy["PolicyDocument"], resource.name, "")
            for arn in properties.get("ManagedPolicyArns", []):
                name = str(arn).rpartition("/")[2]
                assert name in MANAGED, f"{resource.name} has {arn}: say in {__name__}.MANAGED what it allows"
                yield from (Grant(resource.name, "allow", action, "*") for action in MANAGED[name])
            read = 1 + len(properties.get("Policies", []))
        case "AWS::Lambda::Permission":
            yield _permission(properties)
            read = 0
        case _:
            for document in documents:
                yield from _statements(document, "", f"arn:{resource.name}")
            read = len(documents)
    assert read == len(documents), f"{resource.name} has a policy that {__name__} does not read"


def _documents(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every policy document, at whatever depth."""
    match value:
        case {"Statement": _}:
            yield value
        case dict():
            for inner in value.values():
                yield from _documents(inner)
        case list():
            for inner in value:
                yield from _documents(inner)


def _statements(document: Mapping[str, Any], holder: str, own_resource: str) -> Iterator[Grant]:
    for statement in listed(document["Statement"]):
        assert set(statement) <= _READ, f"a statement that {__name__} does not read: {statement}"
        condition = _condition(statement.get("Condition", {}))
        for principal in [holder] if holder else _principals(statement["Principal"]):
            for action in listed(statement["Action"]):
                for resource in listed(statement.get("Resource", own_resource)):
                    assert isinstance(resource, str) and "{'" not in resource, f"not resolved: {resource}"
                    # a resource's own policy is for nothing but this resource
                    name = own_resource if own_resource and resource == "*" else resource
                    name = _CONTENT_HASH.sub("<hash>", name)
                    yield Grant(principal, statement["Effect"].lower(), action, name, condition)


def _holders(properties: Mapping[str, Any]) -> list[str]:
    assert not properties.get("Users") and not properties.get("Groups"), "the farm makes no users"
    roles: list[str] = properties["Roles"]
    return roles


def _principals(principal: Any) -> list[str]:
    if principal == "*":
        return ["anyone"]
    return ["anyone" if name == "*" else name for names in principal.values() for name in listed(names)]


def _permission(properties: Mapping[str, Any]) -> Grant:
    told = {"Action", "FunctionName", "Principal", "SourceArn", "SourceAccount"}
    assert set(properties) <= told, f"a permission that {__name__} does not read: {properties}"
    keys = {"aws:SourceArn": "SourceArn", "aws:SourceAccount": "SourceAccount"}
    told_by = {key: properties[name] for key, name in keys.items() if name in properties}
    condition = _condition({"ArnLike": told_by} if told_by else {})
    return Grant(
        properties["Principal"], "allow", properties["Action"], properties["FunctionName"], condition
    )


def _condition(conditions: Mapping[str, Mapping[str, Any]]) -> str:
    return " and ".join(
        f"{operator} {key}={'|'.join(map(str, listed(values)))}"
        for operator, keys in sorted(conditions.items())
        for key, values in sorted(keys.items())
    )


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
