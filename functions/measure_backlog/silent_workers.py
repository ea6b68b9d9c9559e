"""Ends a machine of which nothing is heard: its agent never came up, or says nothing any more.

Machines are born protected from scale-in, and only their own agents drop that. Without one a machine would be
billed for ever, and the group would count on it. One that never spoke is a failed boot: without network, say,
it cannot count itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from contract.boot import FailedBoots
from contract.job import timestamp
from functions.measure_backlog.observation import Observation
from functions.measure_backlog.records import BacklogRecords

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

log = logging.getLogger(__name__)

SILENT_SECONDS: Final = 20 * 60
"""Far longer than a machine takes to boot, and than a worker's record goes unrenewed."""


def longest_silent(launched_at: Mapping[str, float], now: float) -> str:
    """Of machines of which nothing is heard, the one to end; empty while all may yet come up.

    `launched_at` in epoch seconds, by their ids. One at a time: a table that takes no records for a while
    must not cost the fleet.
    """
    overdue = [(at, machine) for machine, at in launched_at.items() if now - at > SILENT_SECONDS]
    return min(overdue)[1] if overdue else ""


def end_a_silent_worker(
    seen: Observation,
    now: float,
    *,
    deploy_version: str,
    records: BacklogRecords,
    ec2: Callable[[], Any],
    autoscaling: AutoScalingClient,
) -> str:
    """End one at most; the group replaces it if its tasks want that. Returns its id, or nothing.

    It counts as a failed boot if it has never spoken, and was started after this deploy.

    `ec2` makes a client, which takes a while, for its model is large: most minutes need none. Raises what AWS
    raises. A group without machines costs no call.
    """
    if not seen.group.in_service:
        return ""
    heard = records.heard_since(int(now) - SILENT_SECONDS)
    silent = [machine for machine in seen.group.in_service if machine not in heard]
    if not silent:
        return ""
    launched_at = _launch_times(ec2(), silent)
    machine = longest_silent(launched_at, now)
    if machine:
        never_came_up = _never_came_up(machine, launched_at[machine], deploy_version, records)
        fewer = seen.group.desired_capacity > seen.tasks
        autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=machine, ShouldDecrementDesiredCapacity=fewer
        )
        if never_came_up:
            records.count_failed_boot(deploy_version, _silent_boot(machine, now))
        log.warning(
            "ended the machine %s: it was started more than %d minutes ago, and no agent on it has said"
            " anything in the last %d; %s",
            machine,
            SILENT_SECONDS // 60,
            SILENT_SECONDS // 60,
            "nobody needs another" if fewer else "the group starts another in its place",
        )
    return machine


def _never_came_up(machine: str, launched_at: float, deploy_version: str, records: BacklogRecords) -> bool:
    """Machines of the deploy before say nothing of this one, which may have mended what kept them."""
    if launched_at < records.deployed_at(deploy_version):
        return False
    return machine not in records.heard_since(int(launched_at))


def _silent_boot(machine: str, now: float) -> FailedBoots:
    return FailedBoots(
        failures=1,
        reason=f"silent: nothing was heard of it in the {SILENT_SECONDS // 60} minutes after its start",
        worker_id=machine,
        failed_at=timestamp(datetime.fromtimestamp(now, UTC)),
    )


def _launch_times(ec2: Any, machines: list[str]) -> dict[str, float]:
    # by a filter: asked for by its id, one that has just gone would be an error, and hide the others
    answer = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": machines}])
    return {
        instance["InstanceId"]: instance["LaunchTime"].timestamp()
        for reservation in answer["Reservations"]
        for instance in reservation["Instances"]
    }
