"""Measures the backlog and emits it, each minute. On an error nothing is emitted: scaling stays as it is."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from time import monotonic, sleep, time
from typing import Any

import boto3

from contract.metrics import CAPACITY_REFUSED, GROW_TO, NO_MACHINE
from contract.scaling import Backlog, ScalingLimits, measure_backlog
from contract.settings import BacklogSettings
from functions.measure_backlog.capacity import ask_why, tell_jobs
from functions.measure_backlog.emission import emit, values_of
from functions.measure_backlog.observation import Observation, observe
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.watch import watch
from functions.measure_backlog.work import Work, look

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


@cache
def _settings() -> BacklogSettings:
    return BacklogSettings.from_env(os.environ)


@cache
def _client(service: Any) -> Any:
    return boto3.client(service)


@cache
def _records() -> BacklogRecords:
    return BacklogRecords(boto3.resource("dynamodb").meta.client, _settings().job_table_name)


def handle(event: Mapping[str, Any] | None, context: object) -> dict[str, Any]:
    """Lambda entry. Returns what it measured first, for whoever calls it by hand.

    The schedule's event has `watch`: then it goes on measuring for the minute while there is work, but
    emits only what the step policy follows. Tracking counts on one measure a minute.
    """
    begun = monotonic()
    settings = _settings()
    seen, work, backlog = _measure(settings)
    waits = seen.group.short_of_instances and bool(work.jobs)
    emit(
        {**values_of(backlog), **({} if waits else {CAPACITY_REFUSED: 0})},
        settings,
        cloudwatch=_client("cloudwatch"),
    )
    log.info("%s", backlog)
    why = _explain(settings, seen, work, waits=waits)
    if event and event.get("watch"):
        watch(backlog, lambda: _watch(settings), begun=begun, clock=monotonic, sleep=sleep)
    return {**asdict(backlog), "refused": why}


def _measure(settings: BacklogSettings) -> tuple[Observation, Work, Backlog]:
    seen, now = observe(settings, sqs=_client("sqs"), autoscaling=_client("autoscaling")), int(time())
    work = look(_records(), now) if seen.tasks else Work()  # an idle farm's table is not read
    backlog = measure_backlog(
        bake=seen.bake,
        render=seen.render,
        jobs=work.frames(now),
        desired_capacity=seen.group.desired_capacity,
        limits=_limits(settings),
    )
    return seen, work, backlog


def _watch(settings: BacklogSettings) -> Backlog:
    backlog = _measure(settings)[-1]
    emit({GROW_TO: backlog.grow_to}, settings, cloudwatch=_client("cloudwatch"))
    return backlog


def _explain(settings: BacklogSettings, seen: Observation, work: Work, *, waits: bool) -> str:
    """Say why there are fewer machines than wanted. The fleet has its measure: nothing here may end it."""
    try:
        why = _ask(settings, seen, work) if waits else ""
        tell_jobs(why, work, records=_records())
    except Exception:
        log.exception("it could not be told why there are fewer machines than wanted")
        return ""
    return why


def _ask(settings: BacklogSettings, seen: Observation, work: Work) -> str:
    why = ask_why(settings.worker_asg_name, seen.group, work, autoscaling=_client("autoscaling"))
    emit({CAPACITY_REFUSED: int(bool(why))}, settings, cloudwatch=_client("cloudwatch"))
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
