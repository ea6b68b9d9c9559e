"""Outcomes made by hand: each number in them is known."""

from __future__ import annotations

from typing import Any

from farm.simulate.model import (
    AwsBehaviour,
    MachineLife,
    Machines,
    Outcome,
    Sample,
    SimulatedJob,
    Workload,
)

MACHINES = Machines(pending_seconds=40, boot_seconds=160, dollars_per_hour=3600)
"""A dollar a second."""


def job(*frames: float, arrives: float = 0, bake: float = 10) -> SimulatedJob:
    return SimulatedJob(arrives=arrives, bake_seconds=bake, frame_seconds=frames)


def workload(*jobs: SimulatedJob, **fields: Any) -> Workload:
    return Workload(name="by hand", jobs=jobs, **fields)


def life(**fields: Any) -> MachineLife:
    """One machine that works from 200 s on, without a pause until 500 s, and ends a minute later."""
    usual: dict[str, Any] = {
        "launched": 40,
        "in_service": 200,
        "ended": 560,
        "busy_seconds": 300,
        "ended_by": "itself",
        "was_busy": False,
    }
    return MachineLife(**usual | fields)


def sample(at: float, **fields: Any) -> Sample:
    usual: dict[str, Any] = {
        "tasks": 1,
        "backlog_seconds": 300,
        "wanted": 1,
        "needed": 1,
        "desired": 1,
        "in_service": 1,
        "busy": 1,
    }
    return Sample(at=at, **usual | fields)


def outcome(**fields: Any) -> Outcome:
    """One job of three frames on one machine."""
    usual: dict[str, Any] = {
        "workload": workload(job(90, 100, 100)),
        "policy": "ours",
        "behaviour": AwsBehaviour(),
        "machines": MACHINES,
        "seed": 1,
        "job_ends": (500,),
        "lives": (life(),),
        "samples": (sample(60), sample(120, in_service=0), sample(180)),
        "lost_seconds": 0,
        "raised": 0,
        "lowered": 0,
    }
    return Outcome(**usual | fields)
