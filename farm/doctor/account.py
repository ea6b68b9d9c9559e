"""Checks of the AWS account: who asks, and what AWS lets the farm have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from farm.doctor.finding import Said, broken, error_code, warning, well

_REFUSED: Final = (
    "InvalidClientTokenId",
    "ExpiredToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_STANDARD: Final = "acdhimrtz"
"""First letters of the instance families that share one quota, said to be `standard`."""
_SIZES: Final = {"medium": 1, "large": 2, "xlarge": 4, "metal": 96}
QUOTAS: Final[Mapping[str, Mapping[str, str]]] = {
    "standard": {"On-Demand": "L-1216C47A", "Spot": "L-34B43A08"},
    "G and VT": {"On-Demand": "L-DB2E81BA", "Spot": "L-3819A6DF"},
}
"""EC2's codes for the virtual processors that all running machines may have together."""


def identity(sts: Any, region: str) -> Said:
    """Whose credentials these are."""
    try:
        who = sts.get_caller_identity()
    except Exception as error:
        if error_code(error) in _REFUSED:
            return broken(
                f"AWS refuses the credentials ({error_code(error)})",
                "`aws configure` or `aws sso login` renews them; AWS_PROFILE chooses others",
            )
        raise
    return well(f"account {who['Account']} as {who['Arn']}, in {region}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What the deployed group of workers may have."""

    instance_types: tuple[str, ...]
    most: int
    on_demand_percentage: int


def fleet_of(group: Mapping[str, Any]) -> Fleet:
    """From Auto Scaling's description of the group."""
    policy = group.get("MixedInstancesPolicy", {})
    overrides = policy.get("LaunchTemplate", {}).get("Overrides", [])
    share = policy.get("InstancesDistribution", {}).get("OnDemandPercentageAboveBaseCapacity", 100)
    types = tuple(each["InstanceType"] for each in overrides if "InstanceType" in each)
    return Fleet(instance_types=types, most=int(group["MaxSize"]), on_demand_percentage=int(share))


def quotas(autoscaling: Any, service_quotas: Any, group_name: str) -> Said:
    """Whether AWS lets the account run as many machines as the farm may start."""
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group_name])["AutoScalingGroups"]
    if not groups:
        return broken(f"there is no group of workers {group_name!r}", "`cdk deploy --all` makes it")
    fleet = fleet_of(groups[0])
    kinds = [
        kind
        for kind, used in (
            ("Spot", fleet.on_demand_percentage < 100),
            ("On-Demand", fleet.on_demand_percentage > 0),
        )
        if used
    ]
    said = []
    for family, types in by_quota(fleet.instance_types).items():
        for kind in kinds:
            code = QUOTAS.get(family, {}).get(kind)
            if code is None:
                said.append(
                    warning(f"the quota of {', '.join(types)} is not known here", "see Service Quotas")
                )
                continue
            answer = service_quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)
            said.append(room(f"{kind} {family}", answer["Quota"]["Value"], types, fleet.most, code))
    return worst(said) if said else warning("the group names no instance types", "")


def by_quota(instance_types: Iterable[str]) -> dict[str, list[str]]:
    """The types that share each quota; those of a family that is not known here are by themselves."""
    found: dict[str, list[str]] = {}
    for each in instance_types:
        letters = re.match(r"[a-z]+", each)
        family = letters[0] if letters else each
        key = "G and VT" if family in ("g", "gr", "vt") else "standard" if family in _STANDARD else family
        found.setdefault(key, []).append(each)
    return found


def room(name: str, quota: float, instance_types: Iterable[str], most: int, code: str) -> Said:
    """How many of the farm's machines the quota has room for. Others in the account use it too."""
    each = max(map(processors, instance_types))
    words = f"the {name} quota is {quota:.0f} vCPUs"
    ask = f"ask for {each * most} in Service Quotas (EC2, {code}), or lower worker_node_max_count"
    if quota < each:
        return broken(f"{words}: not one machine of {each} fits", ask)
    if quota < each * most:
        return warning(f"{words}: {quota // each:.0f} of {most} machines of {each} fit", ask)
    return well(f"{words}, enough for {most} machines of {each}")


def processors(instance_type: str) -> int:
    """Virtual processors of a type, by its size."""
    size = instance_type.partition(".")[2]
    many = re.fullmatch(r"([0-9]+)xlarge", size)
    return 4 * int(many[1]) if many else _SIZES.get(size.partition("-")[0], 1)


def worst(said: list[Said]) -> Said:
    """All that was said, at the level of the worst of it."""
    order = ("well", "warning", "broken")
    level = max((each.level for each in said), key=order.index)
    words = "; ".join(dict.fromkeys(each.words for each in said))
    return Said(level, words, "; ".join(dict.fromkeys(each.advice for each in said if each.advice)))
