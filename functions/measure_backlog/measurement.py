"""One measure: look at everything, emit what scaling follows, and say why there are too few machines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.metrics import CAPACITY_REFUSED, GROW_TO, NO_MACHINE, SECONDS_WITHOUT_PROGRESS
from contract.scaling import Backlog, ScalingLimits, measure_backlog
from contract.settings import BacklogSettings
from functions.measure_backlog.capacity import ask_why, tell_jobs
from functions.measure_backlog.emission import emit, values_of
from functions.measure_backlog.observation import Observation, group_of, observe
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.silent_workers import end_a_silent_worker
from functions.measure_backlog.spending import note_spend
from functions.measure_backlog.standstill import measure_standstill
from functions.measure_backlog.work import Work, look

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sqs import SQSClient

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What came of a minute's measure."""

    backlog: Backlog
    refused: str
    """Why AWS gives no machines; empty if it does."""
    uncounted: tuple[str, ...]
    """What could not be counted beside it; the log says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    settings: BacklogSettings
    sqs: SQSClient
    autoscaling: AutoScalingClient
    cloudwatch: CloudWatchClient
    ec2: Any
    records: BacklogRecords
    now: Callable[[], float] = time.time

    def of_the_minute(self) -> Minute:
        """Measure, emit all of it, end a silent machine, and explain.

        Raises GroupMissingError, OSError and what AWS raises; then nothing is emitted.
        """
        seen, work, backlog = self._measure()
        waits = seen.group.short_of_instances and bool(work.jobs)
        refused = {} if waits else {CAPACITY_REFUSED: 0}
        emit({**values_of(backlog), **refused}, self.settings, cloudwatch=self.cloudwatch)
        log.info("%s", backlog)
        uncounted = {
            "what the machines cost": self._note_spend(seen, work),
            "whether anything comes of the machines": self._look_for_a_standstill(seen, work),
        }
        self._end_silent(seen)
        return Minute(
            backlog=backlog,
            refused=self._explain(seen, work, waits=waits),
            uncounted=tuple(what for what, counted in uncounted.items() if not counted),
        )

    def in_between(self) -> Backlog:
        """Measure, and emit only what the step policy follows: tracking counts on one measure a minute."""
        _, _, backlog = self._measure()
        emit({GROW_TO: backlog.grow_to}, self.settings, cloudwatch=self.cloudwatch)
        return backlog

    def of_an_upload(self) -> Backlog | None:
        """As in between, if the farm sleeps; None: it is awake, and measured every few seconds anyway."""
        if group_of(self.autoscaling, self.settings.worker_asg_name).desired_capacity:
            return None
        return self.in_between()

    def _measure(self) -> tuple[Observation, Work, Backlog]:
        seen = observe(self.settings, sqs=self.sqs, autoscaling=self.autoscaling)
        now = int(self.now())
        work = look(self.records, now) if seen.tasks else Work()  # an idle farm's table is not read
        backlog = measure_backlog(
            bake=seen.bake,
            render=seen.render,
            jobs=work.frames(now),
            desired_capacity=seen.group.desired_capacity,
            limits=_limits(self.settings),
        )
        return seen, work, backlog

    def _explain(self, seen: Observation, work: Work, *, waits: bool) -> str:
        """Say why there are fewer machines than wanted. The fleet has its measure: nothing here ends it."""
        try:
            why = self._ask(seen, work) if waits else ""
            tell_jobs(why, work, records=self.records)
        except Exception:
            log.exception("it could not be told why there are fewer machines than wanted")
            return ""
        return why

    def _note_spend(self, seen: Observation, work: Work) -> bool:
        """Count what the machines cost since the measure before. Nothing here ends the measure, either: False
        when it failed."""
        try:
            note_spend(seen.group, work, int(self.now()), self.settings, records=self.records)
        except Exception:
            log.exception("what the machines cost could not be counted")
            return False
        return True

    def _look_for_a_standstill(self, seen: Observation, work: Work) -> bool:
        """Emit how long nothing has come of machines, while there are any. Nor does this end the measure:
        False when it failed."""
        if not seen.group.instances:
            return True
        try:
            seconds = measure_standstill(work, int(self.now()), tasks=seen.tasks, records=self.records)
            emit({SECONDS_WITHOUT_PROGRESS: seconds}, self.settings, cloudwatch=self.cloudwatch)
        except Exception:
            log.exception("whether anything comes of the machines could not be measured")
            return False
        return True

    def _end_silent(self, seen: Observation) -> None:
        """End a machine of which nothing is heard. Nothing here ends the measure, either."""
        try:
            end_a_silent_worker(
                seen, self.now(), records=self.records, ec2=self.ec2, autoscaling=self.autoscaling
            )
        except Exception:
            log.exception("no machine of which nothing is heard could be ended")

    def _ask(self, seen: Observation, work: Work) -> str:
        why = ask_why(self.settings.worker_asg_name, seen.group, work, autoscaling=self.autoscaling)
        emit({CAPACITY_REFUSED: int(bool(why))}, self.settings, cloudwatch=self.cloudwatch)
        if why:
            log.warning("%s %s", NO_MACHINE, why)
        return why


def _limits(settings: BacklogSettings) -> ScalingLimits:
    return ScalingLimits(
        acceptable_latency_seconds=settings.acceptable_latency_seconds,
        worker_start_seconds=settings.worker_start_seconds,
        frame_queue_bpi=settings.frame_queue_bpi,
        project_init_queue_bpi=settings.project_init_queue_bpi,
        max_workers=settings.worker_node_max_count,
    )
