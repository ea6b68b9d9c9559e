"""Counts what the group's machines cost, each minute while there are any."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from statistics import fmean

from contract.prices import mean_list_price, microdollars
from contract.settings import BacklogSettings
from contract.spend import month_of
from contract.worker_record import WorkerRecord
from functions.measure_backlog.observation import Group
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.work import Work


def note_spend(
    group: Group, work: Work, now: int, settings: BacklogSettings, *, records: BacklogRecords
) -> None:
    """Add to the month's item what all machines cost since the measure before; `now` in epoch seconds.

    Nothing is read or written while there are none. Raises what AWS raises.
    """
    if not group.machines:
        return
    month = month_of(datetime.fromtimestamp(now, UTC))
    before = records.spend(month)
    if before.measured_at >= now:
        return  # measured within this second
    if settings.worker_hour_dollars is None:
        hour = hour_of_one(work.workers or records.workers(now), group.instance_types)
    else:
        hour = microdollars(settings.worker_hour_dollars)
    records.add_spend(month, before, machines=group.machines, hour_microdollars=hour, now=now)


def hour_of_one(workers: Iterable[WorkerRecord], instance_types: Iterable[str]) -> int:
    """Microdollars that an hour of a machine costs, on the mean: one that boots costs what the others do.

    When none of them has said a price, by the price list.
    """
    known = [worker.hour_microdollars for worker in workers if worker.hour_microdollars]
    return round(fmean(known)) if known else mean_list_price(instance_types)
