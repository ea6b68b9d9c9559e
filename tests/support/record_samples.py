"""Messages and records of every kind, as today's code writes them, and the samples kept of how it once did.

When the shape of one has changed, `python -m tests.support.record_samples` keeps a sample of today's under
the next number in tests/contract/samples. Those that are there are never written again: a running farm holds
such messages and records, and the code of tomorrow has to understand them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_type_hints

from contract.boot import boot_key
from contract.failures import FailureKind
from contract.fleet_version import FleetVersion
from contract.frame_record import FailedAttempt
from contract.job import Job, JobState
from contract.spend import Spend, add_spend, spend_key
from contract.stored_part import FrameParts, StoredPart
from contract.table import counter_key, frame_key, job_key, standstill_key
from contract.tasks import BakeTask, FinishTask, RenderTask, encode
from contract.worker_record import Doing, WorkerRecord
from functions.measure_backlog.records import BacklogRecords
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.measured_farm import MeasuredFarm
from worker_agent.stores.frame_store import DoneFrame, FrameStore

SAMPLES: Final = Path(__file__).resolve().parents[1] / "contract" / "samples"
Samples = Mapping[str, Mapping[str, Any]]
"""By kind, then by state or name."""


def kept() -> dict[int, Samples]:
    """The samples by their numbers, the newest last; numbers in them are as the table gives them."""
    files = sorted(SAMPLES.glob("*.json"), key=lambda path: int(path.stem))
    return {
        int(path.stem): json.loads(path.read_text(), parse_int=Decimal, parse_float=Decimal) for path in files
    }


def written_now() -> Samples:
    """One of each, all attributes filled, after a journey through an emulated table."""
    with aws_edges() as aws:
        return {
            "messages": {
                task.kind: encode(task)
                for task in (BakeTask("a-1"), RenderTask("a-1", "1-4"), FinishTask("a-1"))
            },
            "jobs": {
                str(state): _stored(aws, {**job_key("a-1"), **_a_job(state).to_item()}) for state in JobState
            },
            "frames": _frames(aws),
            "workers": {str(doing): _stored(aws, _a_worker(doing).to_item()) for doing in Doing},
            "fleet": _fleet(aws),
        }


def shape(value: Any) -> Any:
    """A sample without its values: names and kinds of what it has."""
    if isinstance(value, Mapping):
        return {name: shape(each) for name, each in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float, Decimal)) else type(value).__name__


def _a_job(state: JobState) -> Job:
    filled = dict(_filled(Job))
    return Job(**{**filled, "job_id": "a-1", "state": state})


def _a_worker(doing: Doing) -> WorkerRecord:
    return WorkerRecord(**{**dict(_filled(WorkerRecord)), "doing": doing})


def _filled(record: type[Any]) -> Iterator[tuple[str, Any]]:
    """A value that is no default for each field."""
    for number, (name, kind) in enumerate(get_type_hints(record).items(), 1):
        if name not in {field.name for field in fields(record)}:
            continue
        if kind is int:
            yield name, 1000 + number
        elif kind is str:
            yield name, f"{name}-{number}"
        elif kind is bool:
            yield name, True
        elif "Mapping" in str(kind):
            yield name, {"a": number, "b": f"{name}-{number}"}
        elif "float" in str(kind):
            yield name, (number + 0.25, number + 0.5)
        elif "tuple" in str(kind):
            yield name, (f"{name}-1", f"{name}-2")


def _frames(aws: AwsEdges) -> dict[str, Any]:
    """Written by the agent's own store."""
    job = _a_job(JobState.RENDERING)
    store = FrameStore(aws.dynamodb, aws.job_table_name, "i-1")
    job = Job.from_item({**job.to_item(), "shards": 1})
    store.expect("a-1", [1, 2, 3], 1)
    for frame in (1, 2, 3):
        store.add_failure(
            job,
            frame,
            FailedAttempt(
                token="t",
                kind=FailureKind.CRASHED,
                reason="it crashed",
                worker="i-1",
                at="2026",
                log="logs/1",
            ),
        )
        store.add_interruption(job, frame)
    part = StoredPart(key="proxies/0001-0002-a.mjpeg", start=7, size_bytes=9)
    store.record_done(
        job,
        [
            DoneFrame(
                frame=1,
                files=("0001.png",),
                seconds=1.25,
                blender_version="4.5.15",
                parts=FrameParts(log=part, proxy=part, thumbnail=part),
            )
        ],
    )
    store.record_failed(job, 2, reason="it crashed")
    found = {
        name: _item(aws, frame_key("a-1", 1, frame))
        for name, frame in (("DONE", 1), ("FAILED", 2), ("WAITING", 3))
    }
    for item in found.values():
        if "ended_at" in item:
            item["ended_at"] = "2026-11-30T08:00:00.000Z"
    counter = _item(aws, counter_key("a-1", 0))
    return {**found, "counter": {**counter, "last_frame_at": "2026-11-30T08:00:00.000Z"}}


def _fleet(aws: AwsEdges) -> dict[str, Any]:
    farm = MeasuredFarm(aws)
    farm.fail_boot("i-1")
    records = BacklogRecords(aws.dynamodb, aws.job_table_name)
    records.note_standstill(mark="m", since=5, seen_at=6)
    records.announce(worker_version="w", deploy_version="d", now=7)
    aws.dynamodb.update_item(
        **add_spend(
            table=aws.job_table_name,
            month="2026-11",
            before=Spend(),
            machines=2,
            hour_microdollars=90_000,
            now=60,
        )
    )
    return {
        "failed boots": _item(aws, boot_key("deploy-1")),
        "version": _item(aws, FleetVersion(worker_version="", deploy_version="", since=0).to_item()),
        "standstill": _item(aws, standstill_key()),
        "spend": _item(aws, spend_key("2026-11")),
    }


def _stored(aws: AwsEdges, item: Mapping[str, Any]) -> dict[str, Any]:
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item=item)
    return _item(aws, item)


def _item(aws: AwsEdges, key: Mapping[str, Any]) -> dict[str, Any]:
    names = ("pk", "sk")
    answer = aws.dynamodb.get_item(TableName=aws.job_table_name, Key={name: key[name] for name in names})
    item: dict[str, Any] = answer["Item"]
    return item


def _number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def main() -> int:
    before, now = kept(), written_now()
    newest = max(before, default=0)
    if newest and shape(before[newest]) == shape(now):
        print(f"{SAMPLES / str(newest)}.json is as it is written now")
        return 0
    path = SAMPLES / f"{newest + 1}.json"
    path.write_text(json.dumps(now, indent=1, sort_keys=True, default=_number) + "\n")
    print(f"kept {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
