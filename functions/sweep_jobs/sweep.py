"""The sweep's round: let go what the budget holds no more, and help jobs that have lost their tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from contract.job import Job, JobState, Progress
from contract.next_step import Step
from contract.routes import Route, route_of
from contract.tasks import BakeTask, FinishTask, RenderTask, Task
from functions.sweep_jobs.decision import End, OpenJob, SendAgain, Watch, decide
from functions.sweep_jobs.queues import TaskQueues
from functions.sweep_jobs.records import SweptRecords

log = logging.getLogger(__name__)

TASK_OF: Final[Mapping[Step, type[Task]]] = {
    Step.BAKE: BakeTask,
    Step.RENDER: RenderTask,
    Step.FINISH: FinishTask,
}


RELEASED_PER_ROUND: Final = 3
"""Jobs that the budget held: all of them at once would spend a slightly raised one many times over."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What a round came to; jobs are named by their ids."""

    finished: bool = True
    """False when the time was out: the next round goes on."""
    open_jobs: int = 0
    released: list[str] = field(default_factory=list)
    """That the budget held."""
    sent_again: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Jobs that could not be looked at, or not be helped; the month's spend if it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    records: SweptRecords
    queues: TaskQueues
    stall_seconds: int
    monthly_budget_dollars: float | None = None
    now: Callable[[], datetime]
    out_of_time: Callable[[], bool]

    def run(self) -> Report:
        """Make a round. What goes wrong with one job is logged, and no concern of the others."""
        report = Report()
        items = list(self.records.open_jobs())
        held = [item for item in items if item.get("state") == JobState.HELD]
        self._release(held, report)
        items = [item for item in items if item.get("state") != JobState.HELD]
        if not items:
            return report
        messages = self.queues.count()  # before the jobs: what ends in between is then needed no more
        jobs = list(self._read(items, report))
        report.open_jobs = len(jobs)
        lacking = messages.lacking(jobs)
        for seen in jobs:
            if self.out_of_time():
                report.finished = False
                break
            try:
                self._help(seen, lacking, not messages.bake and not messages.frames, report)
            except Exception:
                log.exception("job %s could not be helped", seen.job.job_id)
                report.broken.append(seen.job.job_id)
        return report

    def _read(self, items: list[Mapping[str, Any]], report: Report) -> Iterator[OpenJob]:
        for item in items:
            if self.out_of_time():
                report.finished = False
                return
            try:
                job = Job.from_item(item)
                progress = self.records.progress(job) if job.shards else Progress()
                yield OpenJob(job=job, progress=progress, trouble_age_seconds=self._age(job.updated_at))
            except Exception:
                name = str(item.get("job_id", item))[:200]
                log.exception("job %s could not be read", name)
                report.broken.append(name)

    def _help(self, seen: OpenJob, lacking: frozenset[Step], queues_empty: bool, report: Report) -> None:
        job = seen.job
        decision = decide(
            seen,
            lacking=lacking,
            queues_empty=queues_empty,
            now=int(self.now().timestamp()),
            stall_seconds=self.stall_seconds,
        )
        match decision:
            case Watch(sighting):
                self.records.watch(job, sighting)
            case SendAgain(step, sighting) if self.records.note_send(job, sighting):
                log.warning("job %s stands still: its %s tasks are sent again", job.job_id, step)
                report.sent_again.append(job.job_id)
                route = route_of(TASK_OF[step], job.options)
                if not self.queues.send(route, self._tasks(job, step), self.out_of_time):
                    report.finished = False
            case End() if self.records.end(job, seen.progress, decision, self.now()):
                log.error("job %s is %s: %s", job.job_id, decision.state, decision.reason)
                report.ended.append(job.job_id)

    def _release(self, held: list[Mapping[str, Any]], report: Report) -> None:
        """Let jobs go on that the budget held, when it holds none any more: a few, the oldest first.

        One whose bake task is lost on the way is a queued job that stands still.
        """
        if not held or self._over_budget(report):
            return
        for item in held[:RELEASED_PER_ROUND]:
            if self.out_of_time():
                report.finished = False
                return
            job_id = str(item.get("job_id", item))[:200]
            try:
                if self.records.release(job_id, self.now()):
                    log.info("job %s goes on: the budget has room again", job_id)
                    self.queues.send(Route.BAKE, [BakeTask(job_id)], self.out_of_time)
                    report.released.append(job_id)
            except Exception:
                log.exception("job %s could not be released", job_id)
                report.broken.append(job_id)

    def _over_budget(self, report: Report) -> bool:
        """What is held stays held while nobody knows what was spent; the other jobs are looked after."""
        try:
            return bool(self.records.over_budget(self.now(), self.monthly_budget_dollars))
        except Exception:
            log.exception("what was spent this month could not be read: what is held stays held")
            report.broken.append("the month's spend")
            return True

    def _tasks(self, job: Job, step: Step) -> Iterator[Task]:
        match step:
            case Step.BAKE:
                yield BakeTask(job.job_id)
            case Step.RENDER:
                for frame in self.records.missing_frames(job):
                    yield RenderTask(job.job_id, str(frame))
            case Step.FINISH:
                yield FinishTask(job.job_id)

    def _age(self, moment: str) -> int:
        return int((self.now() - datetime.fromisoformat(moment)).total_seconds())
