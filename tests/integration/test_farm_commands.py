"""The `farm` command as a person and a script meet it, on a farm whose AWS is the emulator's."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract.boot import boot_key
from contract.failures import FailureKind
from contract.fleet_version import FleetVersion
from contract.frame_record import FailedAttempt
from contract.job import FrameState, Job, JobState
from contract.keys import (
    attempt_log,
    bake_log_key,
    frame_log_key,
    output_prefix,
    small_pictures,
    thumbnail_key,
)
from contract.stored_part import FrameParts
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, counter_key, frame_key, job_key
from contract.tasks import BakeTask, decode
from contract.worker_record import Doing, WorkerRecord
from farm.jobs import Farm
from farm.last_frame import last_frame
from tests.support.farm_command import call
from tests.support.jobs import a_job
from worker_agent.stores.shared_object import SharedObject

HOSTILE = "[red]x[/red]\x1b]0;title\x07\x1b[2J\u202e.blend"


def put(farm: Farm, job: Job, *, failed: int | None = None) -> Job:
    """A job, with its counters, one failed frame and the failed frame's log."""
    farm.table.put_item(Item={**job_key(job.job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING})
    counted: dict[str, Any] = {"total": 8, "done": 3, "failed": 0 if failed is None else 1, "seconds": 12}
    if job.shards:
        farm.table.put_item(Item={**counter_key(job.job_id, 0), **counted})
    if failed is not None:
        attempt = FailedAttempt(
            token="t", kind=FailureKind.OUT_OF_MEMORY, reason="out of memory", worker="w", at="2026"
        )
        tried = [replace(attempt, log=attempt_log(failed, 1)).to_map()]
        record: dict[str, Any] = {
            "frame": failed,
            "state": str(FrameState.FAILED),
            "reason": "out of memory",
            "failures": tried,
        }
        farm.table.put_item(Item={**frame_key(job.job_id, 1, failed), **record})
        put_log(farm, output_prefix(job.project, job.job_id) + attempt_log(failed, 1), "Error: no memory\n")
    return job


def put_log(farm: Farm, key: str, text: str) -> None:
    farm.s3.put_object(Bucket=farm.bucket, Key=key, Body=text.encode())


def rendering(job_id: str = "shot-1", **attributes: Any) -> Job:
    made = {
        "state": JobState.RENDERING,
        "frame_count": 8,
        "shards": 1,
        "created_at": "2026-01-01T10:00:00.000Z",
    }
    return a_job(job_id, **{**made, **attributes})


def test_no_jobs_yet(farm: Farm) -> None:
    assert "farm submit FILE" in call("jobs").stdout
    assert json.loads(call("jobs", "--json").stdout) == []
    result = call("status", "latest")
    assert (result.exit_code, "there is no job yet" in result.stderr) == (1, True)


def test_jobs_are_listed_newest_first_and_older_ones_are_hinted_at(farm: Farm) -> None:
    for number in range(4):
        put(farm, rendering(f"shot-{number}", created_at=f"2026-01-0{number + 1}T10:00:00.000Z"))
    result = call("jobs", "--limit", "3")
    head, *rows = result.stdout.splitlines()
    assert head.split()[:3] == ["job", "state", "frames"]
    assert [row.split()[0] for row in rows] == ["shot-3", "shot-2", "shot-1"]
    assert "3 of 8" in rows[0]
    assert "2026-01-04 10:00:00" in rows[0]
    assert "farm jobs --all" in result.stderr
    everything = call("jobs", "--all", "--json")
    assert [job["job_id"] for job in json.loads(everything.stdout)] == [
        "shot-3",
        "shot-2",
        "shot-1",
        "shot-0",
    ]
    assert everything.stderr == ""


def test_the_status_of_a_job_tells_all_that_is_known(farm: Farm) -> None:
    priced: dict[str, Any] = {"worker_seconds": 3600, "spot_seconds": 900, "microdollars": 2_500_000}
    job = put(farm, rendering(options={"priority": "high"}, **priced), failed=5)
    worker = WorkerRecord(
        worker_id="i-1",
        doing=Doing.RENDER,
        job_id=job.job_id,
        frame=6,
        since=0,
        seen_at=2**40,
        recent_seconds=(4,),
    )
    farm.table.put_item(Item=worker.to_item())
    said = call("status", "shot-1").stdout
    for words in (
        *("rendering", "3 of 8, 1 failed", "4.0 s per frame, 15.0 frames a minute", "16 s", "$2.50 so far"),
        *("25% on Spot", "high", "i-1: frame 6 for", "frame 5: out of memory (`farm logs shot-1 5`)"),
    ):
        assert words in said, said
    known = json.loads(call("status", "shot-1", "--json").stdout)
    numbers = [known[name] for name in ("state", "frames_done", "dollars", "seconds_left")]
    assert numbers == ["RENDERING", 3, 2.5, 16.0]
    assert known["failures"] == [{"frame": 5, "reason": "out of memory", "logs": [attempt_log(5, 1)]}]
    assert [worker["words"] for worker in known["workers"]] == ["frame 6"]


def test_the_status_of_a_held_job_says_once_why(farm: Farm) -> None:
    put(farm, rendering(state=JobState.HELD, reason="the budget is spent"))
    assert call("status", "shot-1").stdout.count("the budget is spent") == 1


def test_a_job_is_named_by_its_id_its_beginning_or_as_the_latest(farm: Farm) -> None:
    for number, name in enumerate(("shot-1", "other-1", "shot-12")):
        put(farm, rendering(name, created_at=f"2026-01-01T10:00:0{number}.000Z"))
    meant = {"shot-1": "shot-1", "shot-12": "shot-12", "oth": "other-1", "latest": "shot-12"}
    for beginning, job_id in meant.items():
        assert json.loads(call("status", beginning, "--json").stdout)["job_id"] == job_id
    several = call("cancel", "shot")
    assert several.exit_code == 1
    assert "shot-1 " in several.stderr
    assert "shot-12 " in several.stderr
    for asked in ("nosuch", "../x", "", "SHOT", "x\x1b[2J"):
        result = call("status", asked)
        assert result.exit_code == 1
        assert "\x1b" not in result.stderr
        assert "farm jobs" in result.stderr


def test_logs_of_the_bake_of_a_frame_and_of_a_failed_attempt(farm: Farm) -> None:
    job = put(farm, rendering(), failed=5)
    put_log(farm, bake_log_key(job.project, job.job_id), "bake\ttext \x1b[2J\n")
    put_log(farm, frame_log_key(job.project, job.job_id, 7), "frame seven\n")
    put_log(farm, output_prefix(job.project, job.job_id) + attempt_log(7, 1), "its first try\n")
    assert call("logs", "shot-1").stdout == "bake    text �[2J\n"
    assert call("logs", "shot-1", "7").stdout == "frame seven\n"
    assert call("logs", "shot-1", "7", "--attempt", "1").stdout == "its first try\n"
    assert call("logs", "shot-1", "5").stdout == "Error: no memory\n", "it was never rendered"
    assert json.loads(call("logs", "shot-1", "7", "--json").stdout) == {
        "job_id": "shot-1",
        "name": "frame-0007.log",
        "text": "frame seven\n",
    }
    listed = json.loads(call("logs", "shot-1", "--list", "--json").stdout)
    assert {log["name"] for log in listed} == {
        *("bake.log", "frame-0005-attempt-1.log", "frame-0007-attempt-1.log", "frame-0007.log")
    }
    shared = SharedObject("logs/frames-0009-0011-a.log")
    parts = {frame: FrameParts(log=shared.add(f"frame {frame}\n".encode())) for frame in (9, 10, 11)}
    for frame, part in parts.items():
        item: dict[str, Any] = {"frame": frame, "state": "DONE", **part.to_map()}
        farm.table.put_item(Item={**frame_key(job.job_id, job.shards, frame), **item})
    put_log(farm, output_prefix(job.project, job.job_id) + shared.key, shared.content.decode())
    assert call("logs", "shot-1", "10").stdout == "frame 10\n"
    assert json.loads(call("logs", "shot-1", "11", "--json").stdout) == {
        "job_id": "shot-1",
        "name": "frames-0009-0011-a.log",
        "text": "frame 11\n",
    }
    put_log(farm, output_prefix(job.project, job.job_id) + shared.key, shared.content.decode()[:12])
    assert call("logs", "shot-1", "10").stdout == "fram\n"
    short = call("logs", "shot-1", "11")
    assert (short.exit_code, "logs/frames-0009-0011-a.log of job shot-1 is shorter" in short.stderr) == (
        1,
        True,
    )
    farm.s3.delete_object(Bucket=farm.bucket, Key=output_prefix(job.project, job.job_id) + shared.key)
    gone = call("logs", "shot-1", "9")
    assert (gone.exit_code, "has no frames-0009-0011-a.log" in gone.stderr) == (1, True)
    missing = call("logs", "shot-1", "8")
    assert (missing.exit_code, "has no frame-0008.log" in missing.stderr) == (1, True)
    assert call("logs", "shot-1", "--attempt", "1").exit_code == 2


@pytest.mark.parametrize(
    ("key", "place"),
    [
        pytest.param(small_pictures("j", 1, 2, "a"), "output/proxies/j/0001-0002-a.mjpeg", id="as put now"),
        pytest.param("proxies/0001.mjpeg", "p/output/shot-1/proxies/0001.mjpeg", id="as put before"),
    ],
)
def test_the_last_frames_picture_is_found_where_its_record_says(farm: Farm, key: str, place: str) -> None:
    job = put(farm, rendering())
    shared = SharedObject(key)
    parts = {frame: FrameParts(thumbnail=shared.add(b"picture %d" % frame)) for frame in (1, 2)}
    for frame, part in parts.items():
        item: dict[str, Any] = {"frame": frame, "state": "DONE", **part.to_map()}
        farm.table.put_item(Item={**frame_key(job.job_id, job.shards, frame), **item})
    put_log(farm, place, shared.content.decode())
    put_log(farm, thumbnail_key(job.project, job.job_id, 3), "an older agent's")
    last = last_frame(lambda: farm, {"TERM": "xterm-kitty"})
    assert last
    assert [last.fetch(job, frame) for frame in (2, 3, 4)] == [b"picture 2", b"an older agent's", None]
    put_log(farm, place, "short")
    assert last.fetch(job, 2) is None


def test_cancel_retry_and_release_change_the_job_or_say_why_not(farm: Farm) -> None:
    put(farm, rendering(task_sent_at="2026"))
    canceled = call("cancel", "shot-1", "--json")
    assert json.loads(canceled.stdout) == {"job_id": "shot-1", "state": "CANCELED"}
    again = call("cancel", "shot-1")
    assert (again.exit_code, again.stdout) == (1, "")
    assert "it has ended already: CANCELED" in again.stderr
    assert "is queued again" in call("retry", "shot").stdout
    (message,) = farm.sqs.receive_message(QueueUrl=farm.bake_queue_url)["Messages"]
    assert decode(message["Body"]) == BakeTask("shot-1")
    farm.sqs.delete_message(QueueUrl=farm.bake_queue_url, ReceiptHandle=message["ReceiptHandle"])
    refused = call("release", "shot-1")
    assert (refused.exit_code, "cannot be released" in refused.stderr) == (1, True)


def test_resume_starts_machines_again_or_says_why_not(farm: Farm) -> None:
    refused = call("resume")
    assert (refused.exit_code, "nothing is held" in refused.stderr) == (1, True)
    version = FleetVersion(worker_version="w", deploy_version="d", since=1)
    farm.table.put_item(Item=version.to_item())
    failed: dict[str, Any] = {**boot_key("d"), "failures": 3, "reason": HOSTILE, "worker_id": "i-1"}
    farm.table.put_item(Item=failed)
    held = call("resume").stdout
    assert "forgotten: 3 machines in a row could not be set up; the last said: [red]x[/red]" in held
    assert "\x1b" not in held
    assert "machines are started again" in held
    farm.table.put_item(Item={**failed, "failures": 1})
    answer = json.loads(call("resume", "--json").stdout)
    assert (answer["held"], answer["failures"], answer["worker_id"]) == (False, 1, "i-1")


@pytest.mark.parametrize(
    ("state", "exit_status"),
    [(JobState.DONE, 0), (JobState.FAILED, 1), (JobState.CANCELED, 1), (JobState.DONE_WITH_FAILURES, 1)],
)
def test_watching_a_job_that_has_ended_tells_how(farm: Farm, state: JobState, exit_status: int) -> None:
    put(farm, rendering(state=state, reason="the reason" if exit_status else ""), failed=5)
    result = call("watch", "shot-1")
    assert result.exit_code == exit_status
    assert "frame 5 failed: out of memory" in result.stdout
    assert ("the reason" in result.stdout) == bool(exit_status)
    lines = [json.loads(line) for line in call("watch", "shot-1", "--json").stdout.splitlines()]
    assert lines[-1]["state"] == state
    assert [frame["frame"] for frame in lines[-1]["ended_frames"]] == [5]


def test_the_dashboards_address(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    assert call("open", "--print").stdout == "https://dashboard.example/#farm\n"
    assert json.loads(call("open", "--json").stdout) == {"url": "https://dashboard.example/#farm"}
    assert opened == []
    put(farm, rendering())
    assert call("open", "shot-1").stdout == "https://dashboard.example/#farm\n"
    assert opened == ["https://dashboard.example/#farm"]
    assert call("open", "nosuch").exit_code == 1


def test_a_strangers_name_is_shown_and_does_nothing(farm: Farm) -> None:
    put(farm, rendering(name=HOSTILE, project=HOSTILE, reason=HOSTILE, waiting_for=HOSTILE), failed=5)
    for arguments in (("jobs",), ("status", "shot-1"), ("cancel", "shot-1"), ("watch", "shot-1")):
        for option in ((), ("--json",)):
            said = call(*arguments, *option)
            assert not {"\x1b", "\x07", "\u202e"} & set(said.stdout + said.stderr), arguments
    assert "[red]x[/red]" in call("status", "shot-1").stdout
