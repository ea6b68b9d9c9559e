"""The doctor's checks of this computer and of the laptop farm on it, well and not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.runtimes import RuntimeSpec
from farm.doctor import here, laptop
from farm.doctor.finding import Level, Said
from farm.local import emulator, processes
from farm.local.blenders import NoBlenderError
from farm.local.state import FarmRecord, StateFolder


def no_blender() -> list[RuntimeSpec]:
    raise NoBlenderError("there is none")


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        (here.python((3, 11, 4)), Level.WELL, "3.11.4"),
        (here.python((3, 10, 9)), Level.BROKEN, "does not fit"),
        (here.python((3, 11, 0)), Level.BROKEN, "does not fit"),
        (here.python((3, 12, 1)), Level.BROKEN, "does not fit"),
        (here.blender(lambda: [RuntimeSpec(version="4.5.15", path="/x/blender")]), Level.WELL, "4.5.15"),
        (here.blender(no_blender), Level.WARNING, "there is none"),
        (here.disk(Path("/no/such"), lambda _: 50 * 1024**3), Level.WELL, "50.0 GB are free at /"),
        (here.disk(Path("/"), lambda _: 2 * 1024**3), Level.WARNING, "2.0 GB"),
        (here.disk(Path("/"), lambda _: 1024), Level.BROKEN, "0.0 GB"),
    ],
)
def test_this_computer(said: Said, level: Level, words: str) -> None:
    assert said.level is level
    assert words in said.words


def test_the_laptop_farms_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateFolder(tmp_path)
    state.prepare()
    record = FarmRecord(endpoint="http://127.0.0.1:1")
    assert "emulator does not answer" in laptop.running(state, record).words
    monkeypatch.setattr(emulator, "healthy", lambda _: True)
    said = laptop.running(state, record)
    assert (said.level, "fleet is not running" in said.words) == (Level.BROKEN, True)
    monkeypatch.setattr(processes, "recorded", lambda *_: object())
    assert laptop.running(state, record).level is Level.WELL
    state.fleet_report.write_text(json.dumps({"problem": "agents end at once"}))
    assert laptop.running(state, record).level is Level.WARNING
