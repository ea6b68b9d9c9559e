"""Which checks are made of what."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from botocore.config import Config

from farm.aws_farms import QUICK, SIBLINGS, STORAGE, find_aws_farms
from farm.chosen_farm import LOCAL, ChosenFarm
from farm.doctor import account, here, laptop, parts, stacks
from farm.doctor.finding import Check, Said, broken, warning, well
from farm.estimate.fleet import variables
from farm.local.blenders import runtimes
from farm.local.cage import cage_here
from farm.local.settings import LocalSettings
from farm.local.state import StateFolder
from farm.plain_errors import PlainError
from farm.which_farm import which_farm
from stacks.farm_version import farm_version


def checks(name: str | None, env: Mapping[str, str] = os.environ) -> Iterator[Check]:
    """All that can be checked of the farm of this name, or the only one; without one, of this computer."""
    settings = LocalSettings.from_env(env)
    yield "Python", here.python
    yield "Blender", lambda: here.blender(lambda: runtimes(settings.blenders, env))
    yield "cage", lambda: here.cage(cage_here())
    yield "disk", lambda: here.disk(settings.state_dir)
    try:
        farm = which_farm(name, env)
    except PlainError as error:
        words = str(error)
        yield "AWS", lambda: _aws_without_farm(env)
        yield "farm", lambda: broken(words, "with a farm there is more to check")
        return
    yield "farm", lambda: well(f"{farm.name}{f' ({farm.note})' if farm.note else ''}")
    yield from of_farm(farm, variables().farm_name if farm.name == LOCAL else farm.name)
    yield from of_laptop(StateFolder(settings.state_dir)) if farm.name == LOCAL else of_account(farm)


def of_farm(farm: ChosenFarm, prefix: str) -> Iterator[Check]:
    """What any farm must have; its stacks' names begin with `prefix`."""
    clients, outputs = replace(farm.clients, config=_config(farm)), farm.outputs
    names = [prefix + part for part in (STORAGE, *SIBLINGS)]

    @cache
    def found() -> dict[str, dict[str, Any]]:
        return stacks.described(clients.cloudformation, names)

    yield "credentials", lambda: account.identity(clients.client("sts"), clients.session.region_name)
    yield "stacks", lambda: stacks.complete(found(), names)
    yield "version", lambda: stacks.version(found(), farm_version())
    yield "bucket", lambda: parts.bucket(clients.s3, outputs["RenderBucketName"])
    yield "table", lambda: parts.table(clients.client("dynamodb"), outputs["JobTableName"])
    yield "queues", lambda: parts.queues(clients.sqs, outputs)
    yield "uploads", lambda: parts.notification(clients.s3, outputs["RenderBucketName"])
    yield "dead letters", lambda: parts.dead_letters(clients.sqs, outputs["DeadLetterQueueUrl"])
    yield (
        "machines",
        lambda: parts.machines(clients.dynamodb.meta.client, outputs["JobTableName"]),
    )
    yield "alarms", lambda: parts.alarms(clients.metrics, outputs["NotificationTopicArn"])


def of_account(farm: ChosenFarm) -> Iterator[Check]:
    """What only an account of AWS has."""
    clients, outputs = replace(farm.clients, config=_config(farm)), farm.outputs
    yield (
        "quotas",
        lambda: account.quotas(clients.scaling, clients.client("service-quotas"), outputs["WorkerGroupName"]),
    )
    yield "e-mail", lambda: parts.subscription(clients.sns, outputs["NotificationTopicArn"])


def of_laptop(state: StateFolder) -> Iterator[Check]:
    record = state.read_farm()
    if record:
        yield "processes", lambda: laptop.running(state, record)


def _config(farm: ChosenFarm) -> Config:
    """Whatever leads to the farm, and less patience."""
    own = farm.clients.config
    return own.merge(QUICK) if own else QUICK


def _aws_without_farm(env: Mapping[str, str]) -> Said:
    asked = find_aws_farms(env, machine_role=True)
    if asked.session is None:
        return warning(
            "this computer has no credentials" + (f": {asked.trouble}" if asked.trouble else ""),
            "`aws configure` sets them; a laptop farm needs none",
        )
    if asked.trouble:
        return broken(f"it cannot be asked in {asked.region}: {asked.trouble}", "mend that first")
    return account.identity(asked.session.client("sts", config=QUICK), asked.region)
