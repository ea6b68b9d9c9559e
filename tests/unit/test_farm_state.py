"""The state folder: whole records, one `up` at a time."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from farm.local.state import FarmRecord, StateFolder, read_json, write_json

RECORD = FarmRecord(endpoint="http://127.0.0.1:1", fingerprint="f", outputs={"A": "b"})


def test_a_farm_is_remembered_and_forgotten(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    assert state.read_farm() is None
    state.prepare()
    state.write_farm(RECORD)
    assert state.read_farm() == RECORD
    (state.scratch / "jobs").mkdir()
    (state.logs / "fleet.log").write_text("x")
    state.clear(keep_logs=True)
    assert state.read_farm() is None
    assert not state.scratch.exists()
    assert (state.logs / "fleet.log").exists()
    state.clear(keep_logs=False)
    assert not state.logs.exists()


def test_half_a_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": ')
    assert read_json(tmp_path / "x.json") is None
    (tmp_path / "x.json").write_text("[]")
    assert read_json(tmp_path / "x.json") is None
    write_json(tmp_path / "x.json", {"a": 1})
    assert read_json(tmp_path / "x.json") == {"a": 1}


def test_a_second_up_waits_for_the_first(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, release))
    other.start()
    assert held.wait(30)
    told: list[str] = []
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            release.set()
        time.sleep(seconds)

    with StateFolder(tmp_path).lock(pause, lambda: told.append("waiting")):
        other.join(30)
        assert other.exitcode == 0
    assert told == ["waiting"]
    assert len(waits) >= 2


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, never = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, never))
    other.start()
    assert held.wait(30)
    other.kill()
    other.join(30)
    waits: list[float] = []
    with StateFolder(tmp_path).lock(waits.append, lambda: None):
        assert len(waits) < 5


def _hold(root: Path, held: object, release: object) -> None:
    with StateFolder(root).lock(time.sleep, lambda: None):
        held.set()  # type: ignore[attr-defined]
        release.wait(60)  # type: ignore[attr-defined]
