"""Machines that could not be set up, as a person sees them: how many in a row, and how to have more tried."""

from __future__ import annotations

from typing import Any

from contract.boot import FailedBoots, boot_key, clear_boots, fleet_version_key
from contract.fleet_version import FleetVersion
from farm.plain_errors import PlainError


class NothingHeldError(PlainError):
    """Machines are started as ever; the message says so."""


def failed_boots(dynamodb: Any, table: str) -> tuple[str, FailedBoots]:
    """Of the deploy that stands, by its version; empty and none while no machine was wanted since the first.

    `dynamodb` is a resource's client.
    """
    answer = dynamodb.get_item(TableName=table, Key=fleet_version_key(), ConsistentRead=True)
    version = FleetVersion.from_item(answer.get("Item")).deploy_version
    if not version:
        return "", FailedBoots()
    answer = dynamodb.get_item(TableName=table, Key=boot_key(version), ConsistentRead=True)
    return version, FailedBoots.from_item(answer.get("Item"))


def resume(dynamodb: Any, table: str) -> FailedBoots:
    """Have machines tried again; returns what was forgotten. Raises NothingHeldError."""
    version, boots = failed_boots(dynamodb, table)
    if not boots.failures:
        raise NothingHeldError(
            "nothing is held: since the last deploy none has failed to be set up, or one has worked since."
            " `farm jobs` says what a job waits for"
        )
    try:
        dynamodb.update_item(**clear_boots(table=table, deploy_version=version))
    except dynamodb.exceptions.ConditionalCheckFailedException:
        raise NothingHeldError("nothing is held any more: somebody was quicker, or a machine works") from None
    return boots
