"""One examination of a deployed farm: its job, its time, and what is known so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
    ends_at: float
    """On `clock`: no check goes on beyond."""
    clock: Callable[[], float]
    """Seconds that only go forward."""
    pause: Callable[[float], object]
    begun_at: float = field(init=False)
    """On `clock`."""
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

    def __post_init__(self) -> None:
        self.begun_at = self.clock()

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
