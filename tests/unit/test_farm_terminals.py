"""What a developer's terminal says of itself changes no test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.laptop import LaptopFarm

OF_A_DEVELOPER = {
    "TERM": "xterm-kitty",
    "COLORTERM": "truecolor",
    "NO_COLOR": "1",
    "FORCE_COLOR": "1",
    "COLUMNS": "20",
    "TERM_PROGRAM": "WezTerm",
    "KITTY_WINDOW_ID": "1",
    "LC_TERMINAL": "iTerm2",
    "TMUX": "/tmp/x",
}


def test_a_farm_for_tests_knows_of_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OF_A_DEVELOPER.items():
        monkeypatch.setenv(name, value)
    env = LaptopFarm(tmp_path, {"FARM_LOCAL_AGENTS": "1"}).env
    assert not OF_A_DEVELOPER.keys() & env.keys()
    assert env["FARM_LOCAL_AGENTS"] == "1"
    assert {"PATH", "HOME"} & env.keys() == {"PATH", "HOME"} & os.environ.keys()


def test_nor_does_any_test() -> None:
    assert not OF_A_DEVELOPER.keys() & os.environ.keys()
