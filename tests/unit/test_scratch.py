"""A job's folder on the agents' side: it is there whole under its name, or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from worker_agent.stores.scratch import Scratch
from worker_agent.watchdog import beating_with


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """With one job's published project."""
    scratch = Scratch(tmp_path)
    folder = scratch.begin_bake("job", "t")
    for name in ("a", "b"):
        (folder / name).write_text(name)
    assert scratch.publish("job", "t") == "baked-t"
    return scratch


def test_clearing_leaves_nothing(scratch: Scratch, tmp_path: Path) -> None:
    scratch.clear("job")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["jobs", "trash"]
    scratch.clear("job")  # nothing there is fine


def test_clearing_says_at_each_entry_that_it_gets_somewhere(scratch: Scratch) -> None:
    beats: list[bool] = []
    with beating_with(lambda: beats.append(True)):
        scratch.clear("job")
    assert len(beats) == 3, "a folder and its two files"


def test_links_are_deleted_and_never_followed(scratch: Scratch, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "folder").mkdir(parents=True)
    (kept / "file").touch()
    baked = scratch.baked("job", "baked-t")
    (baked / "to folder").symlink_to(kept)
    (baked / "to file").symlink_to(kept / "file")
    scratch.clear("job")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "jobs", "kept", "trash"]


def test_an_agent_that_dies_while_it_clears_leaves_no_half_project(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(os, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            scratch.clear("job")
    assert not (tmp_path / "jobs/job").exists()
    (left,) = (tmp_path / "trash").iterdir()
    assert left.name.startswith("job.")
    assert sorted(path.name for path in left.rglob("*")) == ["a", "b", "baked-t"]


def test_what_cannot_be_moved_is_left_to_the_janitor(
    scratch: Scratch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "trash").write_text("in the way")
    scratch.clear("job")
    assert f"could not clear {tmp_path}/jobs/job: " in caplog.text
    assert (tmp_path / "jobs/job/baked-t/a").exists()


def test_what_dead_bakers_left_is_cleared_when_the_next_begins(scratch: Scratch, tmp_path: Path) -> None:
    (scratch.begin_bake("job", "dead") / "half").touch()
    scratch.begin_bake("job", "u")
    assert {path.name for path in (tmp_path / "jobs/job").iterdir()} == {"baked-t", "baking-u"}
    assert list((tmp_path / "trash").iterdir()) == []


def test_what_cannot_be_deleted_now_is_left_to_the_janitor(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "unlink", refuse)
    scratch.clear("job")
    assert not (tmp_path / "jobs/job").exists()
    assert len(list((tmp_path / "trash").iterdir())) == 1


def test_a_folder_that_is_taken_away_while_a_bake_begins_is_made_again(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry, just when the janitor has taken the folder out to ask once more."""
    glob = Path.glob

    def take_away(path: Path, pattern: str) -> object:
        found = list(glob(path, pattern))
        shutil.move(path, tmp_path / "leaving")
        return found

    monkeypatch.setattr(Path, "glob", take_away)
    assert scratch.begin_bake("job", "u").is_dir()
