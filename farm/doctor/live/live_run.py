"""One examination of a deployed farm: its job, its time, and what is known so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from contract.job import Job
from contract.settings import BacklogSettings
from farm.chosen_farm import ChosenFarm
from farm.doctor.live.verdict import TimeOverError

LOOK_SECONDS: Final = 1.0

T = TypeVar("T")


@dataclass(kw_only=True)
class LiveRun:
    farm: ChosenFarm
    run_id: str
    """Names all that this run makes."""
    clock: Callable[[], float]
    """Seconds that only go forward."""
    pause: Callable[[float], object]
    ends_at: float = 0.0
    """On `clock`: no check goes on beyond."""
    desired_before: int = 0
    """The group's desired capacity as the file was uploaded."""
    uploaded_at: float = 0.0
    """On `clock`."""
    source_key: str = ""
    source_version: str = ""
    job_id: str = ""
    """Of the upload; empty until there is one."""
    machines_before: frozenset[str] = field(default_factory=frozenset)
    """The group's machines as the file was uploaded."""

    workers_before: frozenset[str] = field(default_factory=frozenset)
    """Those that had spoken lately before the upload."""

    def begin(self, seconds: float) -> None:
        """It has so much time, from now on."""
        self.ends_at = self.clock() + seconds

    @property
    def project(self) -> str:
        """The folder that holds whatever the run puts into the bucket."""
        return f"live-check-{self.run_id}"

    @property
    def queue_name(self) -> str:
        """Of the queue that the run makes for itself."""
        return f"farm-live-check-{self.run_id}"

    @cached_property
    def backlog(self) -> BacklogSettings:
        """As the farm was deployed with them. Raises SettingsError and what the client raises."""
        name = self.farm.outputs["BacklogFunctionName"]
        answer = self.farm.clients.functions.get_function_configuration(FunctionName=name)
        return BacklogSettings.from_env(answer["Environment"]["Variables"])

    def job(self) -> Job | None:
        return self.farm.records.job(self.job_id)

    def group(self) -> dict[str, Any]:
        """The group of workers as Auto Scaling describes it. Raises LookupError when it is gone."""
        name = self.farm.outputs["WorkerGroupName"]
        found: list[Any] = self.farm.clients.scaling.describe_auto_scaling_groups(
            AutoScalingGroupNames=[name]
        )["AutoScalingGroups"]
        if not found:
            raise LookupError(f"there is no group of workers {name!r}")
        group: dict[str, Any] = found[0]
        return group

    def new_machines(self) -> list[dict[str, Any]]:
        """Those of the group that were not there before the upload."""
        machines = self.group().get("Instances", [])
        return [each for each in machines if each["InstanceId"] not in self.machines_before]

    def workers(self) -> frozenset[str]:
        """Ids of the workers that have spoken lately."""
        now = int(datetime.now(UTC).timestamp())
        return frozenset(worker.worker_id for worker in self.farm.records.workers(now))

    def others(self) -> list[str]:
        """Ids of the jobs of other people that have not ended."""
        jobs = self.farm.records.unfinished_jobs()
        return [job.job_id for job in jobs if job.job_id != self.job_id]

    def wait_after(self, seconds: float, look: Callable[[], T | None]) -> T | None:
        """As wait_for, in the time that is kept for taking everything away."""
        until = self.clock() + seconds
        while (found := look()) is None and self.clock() < until:
            self.pause(LOOK_SECONDS)
        return found

    def wait_for(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """The first that `look` gives but None or False; None when so many seconds bring nothing.

        Raises TimeOverError when the run's own time is over first.
        """
        until = self.clock() + seconds
        while True:
            found = look()
            if found is not None and found is not False:
                return found
            now = self.clock()
            if now >= self.ends_at:
                raise TimeOverError("the time was over before it was seen")
            if now >= until:
                return None
            self.pause(min(LOOK_SECONDS, until - now, self.ends_at - now))
