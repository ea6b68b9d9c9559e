"""What Auto Scaling does with the farm's group: its alarms, its hook, and how the fleet comes and goes."""

from __future__ import annotations

from typing import Final

from contract.lifecycle import CONTINUE, TERMINATION_HEARTBEAT_SECONDS, TERMINATION_HOOK
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, not_so, not_tried, ok

MINUTE: Final = 60
HIGH_PERIODS: Final = 3
LOW_PERIODS: Final = 15
WAKES_SECONDS: Final = 180.0
MACHINE_SECONDS: Final = 90.0
"""From the desired capacity to a machine in the group, where there are any."""

ENDED: Final = -1
"""In place of a capacity, of a job that ended without one."""


def wakes(run: LiveRun) -> Seen:
    """The desired capacity rises soon after an upload to a farm that sleeps."""
    if run.desired_before:
        return not_tried(f"{run.desired_before} machines were wanted before the upload")
    if run.job() is None:
        return not_tried("there is no job")
    desired = run.wait_for(lambda: _desired_or_ended(run), WAKES_SECONDS)
    if desired == ENDED:
        return not_tried("the job ended before a machine was wanted")
    if desired is None:
        return not_so(f"no machine is wanted {WAKES_SECONDS:.0f} s after the upload")
    return ok(f"{desired} wanted {run.clock() - run.uploaded_at:.0f} s after the upload")


def born_protected(run: LiveRun) -> Seen:
    """Each new machine is protected from scale-in before its agent has said anything."""
    if run.job() is None:
        return not_tried("there is no job")
    run.wait_for(lambda: bool(run.new_machines()) or _has_ended(run), MACHINE_SECONDS)
    new = run.new_machines()
    if not new:
        return not_tried("Auto Scaling names no new machine")
    states = ", ".join(f"{each['InstanceId']} ({each['LifecycleState']})" for each in new)
    bare = [each["InstanceId"] for each in new if not each["ProtectedFromScaleIn"]]
    if bare:
        return not_so(f"not protected: {', '.join(bare)} of {states}")
    return ok(f"protected from scale-in: {states}")


def tracking_alarms(run: LiveRun) -> Seen:
    """High after 3 minutes, low after 15, which the simulator counts on."""
    found = run.farm.clients.scaling.describe_policies(
        AutoScalingGroupName=run.farm.outputs["WorkerGroupName"]
    )["ScalingPolicies"]
    policies = [policy for policy in found if "TargetTrackingConfiguration" in policy]
    if len(policies) != 1:
        return not_so(f"the group has {len(policies)} target-tracking policies: expected one")
    names = [alarm["AlarmName"] for alarm in policies[0].get("Alarms", [])]
    if not names:
        return not_so("the target-tracking policy has no alarms")
    alarms = run.farm.clients.metrics.describe_alarms(AlarmNames=names)["MetricAlarms"]
    words = "; ".join(
        f"{alarm['EvaluationPeriods']} × {alarm['Period']} s {alarm['ComparisonOperator']}"
        f" {alarm['Threshold']:g}"
        for alarm in sorted(alarms, key=lambda alarm: alarm["EvaluationPeriods"])
    )
    shapes = sorted((alarm["EvaluationPeriods"], alarm["Period"]) for alarm in alarms)
    expected = [(HIGH_PERIODS, MINUTE), (LOW_PERIODS, MINUTE)]
    return ok(words) if shapes == expected else not_so(f"{words}: expected 3 and 15 minutes")


def termination_hook(run: LiveRun) -> Seen:
    hooks = run.farm.clients.scaling.describe_lifecycle_hooks(
        AutoScalingGroupName=run.farm.outputs["WorkerGroupName"]
    )["LifecycleHooks"]
    ours = [hook for hook in hooks if hook["LifecycleHookName"] == TERMINATION_HOOK]
    if not ours:
        return not_so(f"the group has no hook {TERMINATION_HOOK}")
    seconds, result = ours[0]["HeartbeatTimeout"], ours[0]["DefaultResult"]
    words = f"the group waits {seconds} s for a machine's word, then: {result}"
    well = (seconds, result) == (TERMINATION_HEARTBEAT_SECONDS, CONTINUE)
    return ok(words) if well else not_so(words)


def ends_itself(run: LiveRun) -> Seen:
    """With nothing left to do the desired capacity is what it was before the upload."""
    job = run.job()
    if job is None or not job.state.ended:
        return not_tried("the job has not ended")
    if others := run.others():
        return not_tried(f"other jobs are at work: {', '.join(others[:3])}")
    if run.desired_before:
        return not_tried(f"{run.desired_before} machines were wanted before the upload")
    begun = run.clock()
    if run.wait_for(lambda: run.group()["DesiredCapacity"] == 0, run.ends_at - begun):
        return ok(f"no machine is wanted any more, {run.clock() - begun:.0f} s after the job was seen to end")
    return not_tried(f"{run.group()['DesiredCapacity']} are wanted still")


def _has_ended(run: LiveRun) -> bool:
    job = run.job()
    return job is not None and job.state.ended


def _desired_or_ended(run: LiveRun) -> int | None:
    return int(run.group()["DesiredCapacity"]) or (ENDED if _has_ended(run) else None)
