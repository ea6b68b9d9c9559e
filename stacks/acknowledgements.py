"""Findings of cdk-nag's AwsSolutions rules that are meant to be so, each with the reason why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import IConstruct


def acknowledge(scope: IConstruct, rule: str, reason: str) -> None:
    """A rule by its name, such as `S1`, for a construct and what is in it."""
    Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))


def acknowledge_wildcard(scope: IConstruct, resource: str, reason: str) -> None:
    """A permission of a role on more than one resource, by the ARN with `*` that stands in its policy."""
    acknowledge(scope, f"IAM5[Resource::{_flat(Stack.of(scope).resolve(resource))}]", reason)


def acknowledge_objects(scope: IConstruct, bucket: s3.IBucket, pattern: str, reason: str) -> None:
    """A permission of a role on the objects of another stack's bucket whose keys are like `pattern`."""
    imported = Stack.of(bucket).export_value(bucket.bucket_arn)
    acknowledge_wildcard(scope, f"{imported}/{pattern}", reason)


def _flat(value: Any) -> str:
    """A resolved ARN as cdk-nag writes it into a finding's name."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return _flat(name)
        case {"Fn::Join": [between, parts]}:
            return str(between).join(_flat(part) for part in parts)
        case Mapping():
            raise ValueError(f"{value} is no ARN that a finding could name: expected Ref, GetAtt or Join")
    raise TypeError(f"{value!r} is no ARN: expected a text")
