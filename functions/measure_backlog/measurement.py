"""One measure: look at everything, emit what scaling follows, and say why there are too few machines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.boot import FailedBoots, waits_for_boot
from contract.metrics import CAPACITY_REFUSED, GROW_TO, NO_MACHINE, SECONDS_WITHOUT_PROGRESS
from contract.scaling import Backlog, ScalingLimits, measure_backlog
from contract.settings import BacklogSettings
from functions.measure_backlog.capacity import ask_why, tell_jobs
from functions.measure_backlog.emission import emit, values_of
from functions.measure_backlog.failed_boots import replace_no_machine, working
from functions.measure_backlog.observation import Observation, observe
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.silent_workers import end_a_silent_worker
from functions.measure_backlog.spending import note_spend
from functions.measure_backlog.standstill import measure_standstill
from functions.measure_backlog.turn import Turn
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
    """Why there are no machines: AWS gives none, or none can be set up; empty if neither is so."""
    held: bool
    """None is started any more, for the last ones could not be set up."""
    uncounted: tuple[str, ...]
    """What could not be counted beside it; the log says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    settings: BacklogSettings
    sqs: SQSClient
    autoscaling: AutoScalingClient
    cloudwatch: CloudWatchClient
    ec2: Callable[[], Any]
    records: BacklogRecords
    turn: Turn
    now: Callable[[], float] = time.time

    def of_the_minute(self) -> Minute:
        """Measure, emit all of it, end a silent machine, and explain.

        Raises GroupMissingError, OSError and what AWS raises; then nothing is emitted.
        """
        seen, work, boots, backlog = self._measure()
        self._hold(seen, work, boots)
        waits = seen.group.short_of_instances and bool(work.jobs) and not boots.hold
        refused = {} if waits else {CAPACITY_REFUSED: 0}
        emit({**values_of(backlog), **refused}, self.settings, cloudwatch=self.cloudwatch)
        log.info("%s", backlog)
        uncounted = {
            "what the machines cost": self._note_spend(seen, work),
            "whether anything comes of the machines": self._look_for_a_standstill(seen, work),
        }
        self._announce(seen)
        self._end_silent(seen)
        return Minute(
            backlog=backlog,
            refused=self._explain(seen, work, boots, waits=waits),
            held=boots.hold,
            uncounted=tuple(what for what, counted in uncounted.items() if not counted),
        )

    def in_between(self, heard_of: int = 0) -> Backlog:
        """Measure, and emit only what the step policy follows: tracking counts on one measure a minute.

        A job that has just come is known by its record: the queues' counts may not have it yet. `heard_of`:
        so many have come, whatever the records say, whose index may be late as well.
        """
        seen, work, boots, backlog = self._measure(heard_of=heard_of, whatever_the_queues_say=True)
        self._hold(seen, work, boots)
        emit({GROW_TO: backlog.grow_to}, self.settings, cloudwatch=self.cloudwatch)
        return backlog

    def _measure(
        self, *, heard_of: int = 0, whatever_the_queues_say: bool = False
    ) -> tuple[Observation, Work, FailedBoots, Backlog]:
        seen = observe(self.settings, sqs=self.sqs, autoscaling=self.autoscaling)
        now = int(self.now())
        work, boots = Work(), FailedBoots()
        if seen.tasks or whatever_the_queues_say:  # an idle farm's table is not read
            boots = self.records.failed_boots(self.settings.deploy_version)
            work = look(self.records, now)
        backlog = measure_backlog(
            bake=seen.bake,
            render=seen.render,
            jobs=work.frames(now),
            desired_capacity=seen.group.desired_capacity,
            limits=_limits(self.settings),
            unbaked=max(work.unbaked, heard_of),
            held_at=working(seen.group, work) if boots.hold else None,
        )
        return seen, work, boots, backlog

    def _hold(self, seen: Observation, work: Work, boots: FailedBoots) -> None:
        """Have no machine replaced while none can be set up. Nothing here ends the measure."""
        if not boots.hold:
            return
        try:
            replace_no_machine(
                self.settings.worker_asg_name,
                seen.group,
                boots,
                at_work=working(seen.group, work),
                autoscaling=self.autoscaling,
            )
        except Exception:
            log.exception("the group could not be kept from replacing machines that cannot be set up")

    def _explain(self, seen: Observation, work: Work, boots: FailedBoots, *, waits: bool) -> str:
        """Say why there are fewer machines than wanted. The fleet has its measure: nothing here ends it."""
        try:
            why = self._ask(seen, work) if waits else waits_for_boot(boots)
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

    def _announce(self, seen: Observation) -> None:
        """Tell machines of which version they should be. Nothing here ends the measure, either."""
        if not seen.tasks and not seen.group.machines:
            return
        try:
            self.records.announce(
                worker_version=self.settings.worker_version,
                deploy_version=self.settings.deploy_version,
                now=int(self.now()),
            )
        except Exception:
            log.exception("the machines could not be told of which version they should be")

    def _end_silent(self, seen: Observation) -> None:
        """End a machine of which nothing is heard. Nothing here ends the measure, either."""
        try:
            end_a_silent_worker(
                seen,
                self.now(),
                deploy_version=self.settings.deploy_version,
                records=self.records,
                ec2=self.ec2,
                autoscaling=self.autoscaling,
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
