"""Why AWS gives the group no machines, in words that an artist understands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Final

from contract.job import timestamp
from functions.measure_backlog.observation import Group

MAX_LENGTH: Final = 300
"""Characters of AWS's own words."""
_REFUSED: Final = ("Failed", "Cancelled")
_SPOT_QUOTA: Final = re.compile(r"MaxSpotInstanceCountExceeded|max spot instance count exceeded", re.I)
_QUOTA: Final = re.compile(r"VcpuLimitExceeded|current vCPU limit", re.I)
_LIMIT: Final = re.compile(r"limit of (\d+)")
_NONE_FREE: Final = re.compile(
    r"UnfulfillableCapacity|InsufficientInstanceCapacity|not have sufficient|no Spot capacity available", re.I
)
_ADVICE: Final = "You can currently get"
"""From here on AWS names the zones in which there are machines."""


def newest_refusal(activities: Iterable[Mapping[str, Any]], *, since: str) -> str:
    """AWS's words for the newest launch, if it refused that one; empty if not, or if that was before `since`.

    `activities` as DescribeScalingActivities gives them, `since` as a job record has its times. A launch
    that is under way decides nothing yet.
    """
    refused_at, succeeded_at, words = "", "", ""
    for activity in activities:
        if activity.get("Description", "").startswith("Terminating"):
            continue
        at = timestamp(activity["StartTime"].astimezone(UTC))
        message = activity.get("StatusMessage", "")
        if activity["StatusCode"] == "Successful":
            succeeded_at = max(succeeded_at, at)
        elif activity["StatusCode"] in _REFUSED and message and at > refused_at:
            refused_at, words = at, message
    # of launches at one moment some may have been granted: those that were not are what is wanted
    return words if refused_at >= max(succeeded_at, since) else ""


def in_plain_words(message: str, group: Group) -> str:
    """What AWS said of a launch that it refused, as one line for whoever waits for a frame."""
    kind = "Spot machine" if "spot" in message.lower() else "On-Demand machine"
    if _SPOT_QUOTA.search(message):
        return (
            "the account's quota for Spot machines is too small for one more: ask AWS for more under"
            " Service Quotas, Amazon EC2, Spot Instance Requests"
        )
    if _QUOTA.search(message):
        limit = _LIMIT.search(message)
        allows = f"is {limit[1]} vCPUs, too few" if limit else "is too small"
        return (
            f"the account's quota for {kind}s of these types ({_list(group.instance_types)}) {allows} for one"
            " more: ask AWS for more under Service Quotas, Amazon EC2"
        )
    if _NONE_FREE.search(message):
        refused = message.partition(_ADVICE)[0]
        return (
            f"AWS has no {kind} of these types free now ({_list(_named(group.instance_types, refused))})"
            f" in these zones ({_list(_named(group.zones, refused))}): it is asked again until there is one"
        )
    return f"AWS starts no machine: {_one_line(message)}"


def _named(names: tuple[str, ...], message: str) -> tuple[str, ...]:
    """Those that the message names; all when it names none."""
    return tuple(name for name in names if name in message) or names


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "any"


def _one_line(message: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in message)
    words = " ".join(printable.split())
    return words if len(words) <= MAX_LENGTH else f"{words[: MAX_LENGTH - 1]}…"
