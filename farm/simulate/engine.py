"""Runs one policy on one workload in discrete events. The same seed gives the same outcome."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import ceil
from random import Random

from contract.scaling import MEASURE_PERIOD_SECONDS, measure_backlog
from farm.simulate.farm import Farm, Policy
from farm.simulate.fleet.agenda import Agenda
from farm.simulate.fleet.group import Group
from farm.simulate.fleet.work import Work
from farm.simulate.model import AwsBehaviour, Machines, Outcome, Sample, SpotLoss, Workload

PATIENCE_SECONDS = 48 * 3600
"""After the last arrival and the time that one worker would need for everything."""


def simulate(
    workload: Workload,
    policy: Policy,
    *,
    behaviour: AwsBehaviour = AwsBehaviour(),
    machines: Machines = Machines(),
    seed: int = 0,
    limit_seconds: float | None = None,
) -> Outcome:
    """Until every job is done and no machine is left, or the limit.

    Left out of the model: the finish task, downloads, the minute or so by which SQS's counts lag, and
    whatever else takes no worker.
    """
    dice = Random(seed)
    agenda = Agenda()
    work = Work(agenda, workload.jobs)
    group = Group(
        agenda,
        work,
        habits=policy.habits,
        machines=machines,
        maximum=workload.max_workers,
        victims=lambda free: policy.victims(free, dice),
    )
    farm = Farm(agenda=agenda, work=work, group=group, behaviour=behaviour)
    for loss in workload.spot_losses:
        agenda.after(loss.at, partial(_take_back, loss, farm, dice))
    policy.steer(farm)
    samples: list[Sample] = []
    agenda.every(MEASURE_PERIOD_SECONDS, lambda: agenda.soon(lambda: samples.append(_sample(farm, policy))))
    agenda.run(
        until=_limit(workload) if limit_seconds is None else limit_seconds,
        finished=lambda: work.all_done and not group.instances,
    )
    group.close()
    return Outcome(
        workload=workload,
        policy=policy.name,
        behaviour=behaviour,
        machines=machines,
        seed=seed,
        job_ends=tuple(job.ended for job in work.jobs),
        lives=tuple(group.lives),
        samples=tuple(samples),
        lost_seconds=work.lost_seconds,
        raised=farm.raised,
        lowered=farm.lowered,
    )


def _limit(workload: Workload) -> float:
    last = max((job.arrives for job in workload.jobs), default=0.0)
    return last + PATIENCE_SECONDS + sum(job.work_seconds for job in workload.jobs)


def _take_back(loss: SpotLoss, farm: Farm, dice: Random) -> None:
    there = [worker for worker in farm.group.working if not worker.noticed]
    lost = dice.sample(there, ceil(loss.share * len(there)))
    for worker in lost:  # all hear of it before any gives its task to another
        worker.hear_notice()
    deadline = farm.agenda.now + loss.notice_seconds
    for worker in lost:
        if loss.notice_seconds > 0:
            worker.obey_notice(deadline)
    for worker in lost:
        farm.agenda.after(loss.notice_seconds, partial(farm.group.end, worker, by="spot", told=False))


def _sample(farm: Farm, policy: Policy) -> Sample:
    work, working = farm.work, farm.group.working
    needed = measure_backlog(
        bake=work.bake,
        render=work.render,
        jobs=work.truth(),
        desired_capacity=0,
        limits=replace(policy.limits, max_workers=farm.group.maximum),
    )
    return Sample(
        at=farm.agenda.now,
        tasks=work.tasks,
        backlog_seconds=work.backlog_seconds(),
        wanted=farm.wanted,
        needed=needed.wanted_workers,
        desired=farm.group.desired,
        in_service=len(working),
        busy=sum(worker.busy for worker in working),
    )
