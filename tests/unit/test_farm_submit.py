"""What `farm submit` prints, and when; how files are sent and jobs are watched is tested elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from farm.cli import app
from farm.submission import Order, Submission
from farm.transfer.upload import Uploaded

UPLOADED = Uploaded(version_id="v", parts_sent=1, parts_found=0)


def a_submission(order: Order) -> Submission:
    return Submission(job_id=order.file.stem, key="k", file=order.file, size_bytes=1, uploaded=UPLOADED)


@pytest.fixture
def submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Send the files a, b and c to nowhere; `watched` happens when one is watched."""

    def called(watched: Callable[[str], dict[str, str]], *options: str) -> Result:
        files = [tmp_path / f"{name}.blend" for name in "abc"]
        for file in files:
            file.write_bytes(b"x")
        monkeypatch.setattr("farm.which_farm.which_farm", lambda name: SimpleNamespace(farm=None, note=""))
        monkeypatch.setattr("farm.submission.Submitter.submit", lambda self, order: a_submission(order))
        monkeypatch.setattr(
            "farm.commands.submit._see_through", lambda chosen, one, folder: (watched(one.job_id), True)
        )
        return CliRunner().invoke(app, ["submit", *map(str, files), *options])

    return called


def test_json_has_a_line_for_what_was_sent_and_one_for_its_end(submit: Callable[..., Result]) -> None:
    said = submit(lambda job_id: {"state": "DONE"}, "--wait", "--json").stdout
    lines: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]
    assert [line["job_id"] for line in lines] == [*"abc", *"abc"]
    assert ["state" in line for line in lines] == [False] * 3 + [True] * 3
    assert [line["key"] for line in lines[:3]] == ["k"] * 3


@pytest.mark.parametrize("option", ["--wait", "--download"])
def test_ids_are_known_whatever_becomes_of_the_watching(submit: Callable[..., Result], option: str) -> None:
    """Also those of jobs whose turn to be watched never came."""

    def interrupted(job_id: str) -> dict[str, str]:
        if job_id == "b":
            raise KeyboardInterrupt
        return {"state": "DONE"}

    result = submit(interrupted, option, "--json")
    assert result.exit_code == 130
    assert [json.loads(line)["job_id"] for line in result.stdout.splitlines()] == [*"abc", "a"]
    assert result.stderr.splitlines() == ["not watched any more, and they go on: c"]
