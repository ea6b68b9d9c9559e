"""How many objects a frame puts into the bucket, each at a price."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.frame_record import FrameRecord
from contract.job import FrameState, JobState
from contract.keys import SMALL_PICTURES_PREFIX
from contract.stored_part import StoredPart
from tests.support.agent import FINISH, Agent, agent_in, rendering, task
from tests.support.picture_files import jpeg_size
from worker_agent.blender import BlenderFailed
from worker_agent.frames import frame_keeper
from worker_agent.output_check import Pictures
from worker_agent.stores.frame_store import DoneFrame
from worker_agent.tasks.outcome import Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


def puts_of(agent: Agent) -> Counter[str]:
    """Of all that is put from now on: how many objects in which folder of the job's output."""
    put: Counter[str] = Counter()

    def count(params: dict[str, Any], **_: object) -> None:
        key = params["Key"]
        put["proxies" if key.startswith(SMALL_PICTURES_PREFIX) else key.split("/")[3]] += 1

    agent.aws.s3.meta.events.register("provide-client-params.s3.PutObject", count)
    return put


def recorded(agent: Agent) -> dict[int, FrameRecord]:
    return {record.frame: record for record in agent.frames.frames(agent.job)}


def part_of(agent: Agent, part: StoredPart | None) -> bytes:
    assert part
    return agent.stored()[part.key][part.start : part.start + part.size_bytes]


def test_a_frame_on_its_own_takes_three(agent: Agent) -> None:
    rendering(agent)
    put = puts_of(agent)
    assert isinstance(agent.render(task("1"), agent.lease()), Settled)
    assert put == {"frames": 1, "logs": 1, "proxies": 1}


@pytest.mark.parametrize("frames", ["1", "1-2"], ids=["alone", "together"])
def test_another_worker_that_rendered_them_too_leaves_what_is_recorded(agent: Agent, frames: str) -> None:
    agent.blender.frame_seconds = 0.05
    rendering(agent)
    agent.render(task(frames), agent.lease())
    records = recorded(agent)
    had = {
        (n, part.key, part.start): part_of(agent, part) for n, r in records.items() for part in parts_of(r)
    }
    assert len(had) == (2 if frames == "1" else 6), "a single log is an object of its own"
    for again in ([1], [1, 2]):
        logs = agent.bucket.put_logs(agent.job, dict.fromkeys(again, "another's, and a longer one"))
        large = Pictures(thumbnail=b"another's" * 99, proxy=b"another's" * 999)
        parts = agent.bucket.put_pictures(agent.job, dict.fromkeys(again, large))
        done = [
            DoneFrame(
                frame=frame,
                files=(),
                seconds=9.0,
                blender_version="9",
                parts=replace(parts[frame], log=logs.get(frame)),
            )
            for frame in again
        ]
        new = [frame for frame in again if frame not in records]
        assert list(agent.frames.record_done(agent.job, done)) == new
        for frame in new:
            assert part_of(agent, recorded(agent)[frame].thumbnail) == large.thumbnail
        for frame in again:
            assert part_of(agent, parts[frame].proxy) == large.proxy
    for number, record in records.items():
        assert recorded(agent)[number] == record
        for part in parts_of(record):
            assert part_of(agent, part) == had[number, part.key, part.start]


def parts_of(record: FrameRecord) -> list[StoredPart]:
    return [part for part in (record.log, record.proxy, record.thumbnail) if part]


def test_ten_quick_ones_of_one_claim_take_twelve(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_keeper, "TOGETHER_SECONDS", 600.0)  # however slow this machine is
    agent.blender.frame_seconds = 0.05
    rendering(agent, "1-10")
    put = puts_of(agent)
    agent.render(task("1-10"), agent.lease())
    assert put == {"frames": 10, "logs": 1, "proxies": 1}
    records = recorded(agent)
    assert sorted(records) == list(range(1, 11))
    for frame, record in records.items():
        assert record.state is FrameState.DONE
        assert part_of(agent, record.log) == f"--- frame {frame} ---\nFra:{frame} Saved\n".encode()
        for part in (record.proxy, record.thumbnail):
            assert jpeg_size(part_of(agent, part)) == (32, 32)
    put.clear()
    agent.finish(FINISH, agent.lease())
    assert put == {"preview.mp4": 1, "contact_sheet.jpg": 1, "job.json": 1, "thumbnails": 1}
    assert agent.stored()["thumbnails/0010.jpg"] == part_of(agent, records[10].thumbnail), "it stays"
    assert (agent.job.state, agent.job.made) == (JobState.DONE, ("preview.mp4", "contact_sheet.jpg"))
    assert agent.job.preview_note == ""
    assert json.loads(agent.stored()["job.json"])["frames"][0]["log"]["start"] == 0


@pytest.mark.parametrize(
    ("seconds", "limit", "puts"),
    [
        pytest.param(1.0, {}, 3, id="slow"),
        pytest.param(0.05, {"TOGETHER_SECONDS": 0.0}, 3, id="one waits for long"),
        pytest.param(0.05, {"TOGETHER_BYTES": 1}, 3, id="large pictures"),
        pytest.param(0.9, {}, 1, id="quick"),
    ],
)
def test_no_frame_waits_long_for_its_record(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, seconds: float, limit: dict[str, float], puts: int
) -> None:
    monkeypatch.setattr(frame_keeper, "TOGETHER_SECONDS", 600.0)  # however slow this machine is
    for name, value in limit.items():
        monkeypatch.setattr(frame_keeper, name, value)
    agent.blender.frame_seconds = seconds
    rendering(agent, "1-3")
    put = puts_of(agent)
    agent.render(task("1-3"), agent.lease())
    assert put == {"frames": 3, "logs": puts, "proxies": puts}
    assert all(record.state is FrameState.DONE for record in recorded(agent).values())


def test_frames_before_one_that_fails_are_recorded(agent: Agent) -> None:
    agent.blender.frame_seconds = 0.05
    agent.blender.frame_errors = {3: [BlenderFailed("crash", "crashed", "", 3)]}
    rendering(agent, "1-4")
    agent.render(task("1-4"), agent.lease())
    states = {frame: record.state for frame, record in recorded(agent).items()}
    assert states == {frame: FrameState.WAITING if frame == 3 else FrameState.DONE for frame in (1, 2, 3, 4)}
