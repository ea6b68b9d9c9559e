"""What EC2 says of the farm's machines and their image."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, not_so, not_tried, ok


def image_parameter(run: LiveRun) -> Seen:
    """The stack's parameter for the image was read by CloudFormation, and can be read now."""
    clients = run.farm.clients
    stack, found = _parameters(clients.cloudformation, run.farm.outputs["WorkerGroupName"])
    images = [each for each in found if each.get("ParameterValue", "").startswith("/aws/service/")]
    if not images:
        return not_tried(f"the stack {stack} names its image by id and not by a parameter of AWS")
    name, deployed = images[0]["ParameterValue"], images[0].get("ResolvedValue", "")
    now = clients.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    if not deployed.startswith("ami-") or not now.startswith("ami-"):
        return not_so(f"{name} is {now!r} now, and was {deployed!r} at the deploy: expected an image id")
    newer = "" if now == deployed else f"; a deploy would take {now}"
    return ok(f"{name} was {deployed} at the deploy{newer}")


def metadata_by_token(run: LiveRun) -> Seen:
    machine = _machine(run)
    if machine is None:
        return not_tried("Auto Scaling names no new machine")
    options = machine.get("MetadataOptions", {})
    tokens, hops = options.get("HttpTokens"), options.get("HttpPutResponseHopLimit")
    words = f"{machine['InstanceId']}: tokens {tokens}, hop limit {hops}"
    return ok(words) if (tokens, hops) == ("required", 1) else not_so(f"{words}: expected required and 1")


def start_time(run: LiveRun) -> Seen:
    """From the machine's launch until its agent's first word."""
    machine = _machine(run)
    if machine is None:
        return not_tried("Auto Scaling names no new machine")
    name, launched = machine["InstanceId"], machine["LaunchTime"]
    run.wait_for(lambda: name in run.workers(), run.ends_at - run.clock())
    seconds = (datetime.now(UTC) - launched).total_seconds()
    allowed = run.backlog.worker_start_seconds
    words = f"{name} worked {seconds:.0f} s after its launch"
    if seconds > allowed:
        return not_so(f"{words}: deploy with `-c worker_start_seconds={seconds:.0f}`, it is {allowed:.0f}")
    return ok(f"{words}, {allowed:.0f} are allowed for")


def _parameters(cloudformation: Any, group_name: str) -> tuple[str, list[Any]]:
    """The stack that made the group of workers, and its parameters. Raises LookupError."""
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
            if outputs.get("WorkerGroupName") == group_name:
                return stack["StackName"], stack.get("Parameters", [])
    raise LookupError(f"no stack says that it made the group {group_name!r}")


def _machine(run: LiveRun) -> dict[str, Any] | None:
    """EC2's description of the first machine that came for the job."""
    new = run.new_machines()
    if not new:
        return None
    answer = run.farm.clients.client("ec2").describe_instances(InstanceIds=[new[0]["InstanceId"]])
    machine: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return machine
