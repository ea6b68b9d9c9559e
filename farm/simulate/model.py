"""What is simulated, and what comes of it. Times are seconds since the simulation began."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contract.leases import LEASE_SECONDS, POLL_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedJob:
    arrives: float
    bake_seconds: float
    frame_seconds: tuple[float, ...]
    """How long each frame really takes; no policy may look at it before it is done."""

    @property
    def work_seconds(self) -> float:
        return self.bake_seconds + sum(self.frame_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotLoss:
    """Spot takes machines back, as a rule with two minutes' notice."""

    at: float
    share: float
    """Of the machines in service then, rounded up; which, the seed decides."""
    notice_seconds: float = 120
    """0: it takes them without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    name: str
    jobs: tuple[SimulatedJob, ...]
    max_workers: int = 20
    spot_losses: tuple[SpotLoss, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """What a machine takes and costs."""

    pending_seconds: float = 45
    """From the group's decision until EC2 runs it; not billed."""
    boot_seconds: float = 180
    """Until its agent works; billed."""
    dollars_per_hour: float = 0.15
    shortest_bill_seconds: float = 60
    poll_seconds: float = POLL_SECONDS
    lease_seconds: float = LEASE_SECONDS
    """A task whose worker vanished without a word comes back after so long."""

    @property
    def start_seconds(self) -> float:
        return self.pending_seconds + self.boot_seconds


class Base(StrEnum):
    """What target tracking multiplies; AWS does not say."""

    DESIRED = "desired"
    IN_SERVICE = "in service"
    """Those that EC2 runs (Auto Scaling knows nothing of a boot), less any younger than the warm-up."""


class AtZero(StrEnum):
    """What tracking does for a group of no machine."""

    COUNTS_ONE = "counts as one"
    NOTHING = "does nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsBehaviour:
    """What of target tracking is not documented: each field is one doubt."""

    base: Base = Base.IN_SERVICE
    at_zero: AtZero = AtZero.COUNTS_ONE
    high_periods: int = 3
    """Minutes above the target before it scales out."""
    low_periods: int = 15
    """Minutes below the low threshold before it scales in."""
    low_threshold: float = 0.9
    """Share of the target."""
    warmup_blocks_scale_in: bool = True
    """No scale-in by tracking while a machine is younger than its warm-up."""
    alarm_phase_seconds: float = 20
    """From the metric's emission to the tracking alarms' look at it."""
    step_alarm_seconds: float = 10
    """The same for the step policy's alarm, whose period is ten seconds and not a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One moment, after the minute's measure."""

    at: float
    tasks: int
    backlog_seconds: float
    """True work left, of one worker: what an all-knowing observer sees."""
    wanted: int
    """What the policy wanted."""
    needed: int
    """What an all-knowing observer with the farm's own rule needs (its true frame times)."""
    desired: int
    in_service: int
    """Whose agents work; one that boots is not."""
    busy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLife:
    launched: float
    """When EC2 ran it: the bill begins."""
    in_service: float | None
    """When it first worked; None: it ended before."""
    ended: float
    busy_seconds: float
    ended_by: str
    """`itself`, `scale-in`, `spot`, or `end` of the simulation."""
    was_busy: bool
    """It was ended in the middle of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One policy on one workload."""

    workload: Workload
    policy: str
    behaviour: AwsBehaviour
    machines: Machines
    seed: int
    job_ends: tuple[float | None, ...]
    """When each job's last frame was done; None: never, within the simulation."""
    lives: tuple[MachineLife, ...]
    samples: tuple[Sample, ...]
    lost_seconds: float
    """Rendering that was thrown away, by Spot or by scale-in."""
    raised: int
    """How often tracking raised the desired capacity."""
    lowered: int
