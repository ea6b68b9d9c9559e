"""Which farm a command means: named by the person, or the only one that there is.

A laptop farm is found by the state folder of this checkout, farms on AWS by the outputs of their stacks in
the session's region.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from farm.aws_farms import AwsFarms, aws_farm, find_aws_farms
from farm.chosen_farm import FARM_NAME, LOCAL, ChosenFarm, WhichFarmError
from farm.local.chosen import laptop_farm
from farm.plain_errors import MisusedError


def which_farm(name: str | None, env: Mapping[str, str] = os.environ) -> ChosenFarm:
    """The farm of this name, or the only one. Raises WhichFarmError, MisusedError."""
    if name == LOCAL:
        found = laptop_farm(env)
        if found is None:
            raise WhichFarmError("the laptop farm is down: `farm local up` starts it")
        return found
    local = None if name else laptop_farm(env)
    aws = find_aws_farms(env, machine_role=local is None)
    if name:
        return _named(name, aws)
    names = [*([LOCAL] if local else []), *sorted(aws.outputs)]
    if len(names) > 1:
        raise MisusedError(
            f"there are several farms: {_listed(names, aws)}. "
            f"Say which is meant: `farm --farm {names[0]} …`, or set {FARM_NAME}"
        )
    if local:
        return replace(local, note=f"AWS was not asked for farms: {aws.trouble}" if aws.trouble else "")
    if names:
        return aws_farm(names[0], aws)
    raise WhichFarmError(
        f"there is no farm. The laptop farm is down: `farm local up` starts it. {_nothing_found(aws)}"
    )


def _named(name: str, aws: AwsFarms) -> ChosenFarm:
    if name in aws.outputs:
        return aws_farm(name, aws)
    there = f"; there is {_listed(sorted(aws.outputs), aws)}" if aws.outputs else ""
    raise WhichFarmError(f"there is no farm {name[:80]!r}{there}. {_nothing_found(aws)}")


def _listed(names: Sequence[str], aws: AwsFarms) -> str:
    return ", ".join(f"{name} ({'on this computer' if name == LOCAL else aws.region})" for name in names)


def _nothing_found(aws: AwsFarms) -> str:
    if aws.trouble:
        return f"AWS could not be asked: {aws.trouble}"
    if not aws.region:
        return "AWS was not asked: this computer has no credentials for it (`aws configure` sets them)"
    return f"In {aws.region}, `cdk deploy --all` makes one (AWS_REGION or AWS_PROFILE chooses another place)"
