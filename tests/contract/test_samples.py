"""Messages and records that farms have written, now and before, are understood.

A deploy meets them: tasks on the queues, jobs half rendered, workers of yesterday.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from contract.boot import FailedBoots
from contract.fleet_version import FleetVersion
from contract.frame_record import FrameRecord
from contract.job import Job, Progress
from contract.spend import Spend
from contract.table import EXPIRES_AT, PARTITION_KEY, SORT_KEY, UNFINISHED
from contract.tasks import decode, encode
from contract.worker_record import WorkerRecord
from functions.measure_backlog.standstill import Standstill
from tests.support.record_samples import kept, shape, written_now

KEPT = kept()
NO_FIELD = {PARTITION_KEY, SORT_KEY, UNFINISHED, EXPIRES_AT}
"""Attributes of the table's own. One that is given up one day is added here, with the reason."""


def reader(kind: str, name: str) -> Callable[[Mapping[str, Any]], Any]:
    of_fleet: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "failed boots": FailedBoots.from_item,
        "version": FleetVersion.from_item,
        "standstill": Standstill.from_item,
        "spend": Spend.from_item,
    }
    if kind == "frames":
        return Progress.from_item if name == "counter" else FrameRecord.from_item
    return {"jobs": Job.from_item, "workers": WorkerRecord.from_item}.get(kind) or of_fleet[name]


def records() -> Iterator[Any]:
    for number, samples in KEPT.items():
        for kind, of_kind in samples.items():
            if kind != "messages":
                yield from (
                    pytest.param(reader(kind, name), sample, id=f"{number}-{kind}-{name}")
                    for name, sample in of_kind.items()
                )


def plain(value: Any) -> Any:
    """As JSON has it, numbers as floats."""
    return json.loads(json.dumps(value, default=float), parse_int=float)


@pytest.mark.parametrize(("read", "sample"), list(records()))
def test_every_attribute_of_a_record_is_read_for_what_it_was(
    read: Callable[[Mapping[str, Any]], Any], sample: Mapping[str, Any]
) -> None:
    understood = plain(asdict(read(sample)))
    for name, value in sample.items():
        if name not in NO_FIELD:
            assert understood.get(name) == plain(value), name


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(kind, body, id=f"{number}-{kind}")
        for number, samples in KEPT.items()
        for kind, body in samples["messages"].items()
    ],
)
def test_a_message_is_the_task_it_was(kind: str, body: str) -> None:
    task = decode(body)
    assert task.kind == kind
    said, now = json.loads(body), json.loads(encode(task))
    assert {**now, "version": said["version"]} == said


def test_the_newest_samples_are_what_is_written_now() -> None:
    now = written_now()
    assert shape(KEPT[max(KEPT)]) == shape(now), (
        "what is written has another shape than the newest sample that is kept: "
        "`python -m tests.support.record_samples` keeps one of it, and older ones stay"
    )
    assert KEPT[max(KEPT)]["messages"] == now["messages"], "another version of a message needs a sample, too"
    assert len(KEPT) > 1, "older ones are there"


def test_a_shape_tells_kinds_apart_and_not_values() -> None:
    assert shape({"a": Decimal(1), "b": ["x"]}) == shape({"b": ["y", "z"], "a": 2})
    assert shape({"a": 1}) != shape({"a": "1"})
    assert shape({"a": 1}) != shape({"a": 1, "b": 1})
