"""Deleting what a stranger's script has left, as the user that an agent is: one whom a lock holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.powerless import powerless
from worker_agent.blender import BlenderDied, RenderedFrame
from worker_agent.cage import Cell
from worker_agent.frames.frame_output import take
from worker_agent.output_check import InvalidOutput
from worker_agent.removal import remove
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.scene_sessions import SceneSessions
from worker_agent.watchdog import beating_with

DEPTH = 1_100
"""Beyond what a path may name, and what a function that calls itself can follow."""


def nest(folder: Path, depth: int = DEPTH) -> None:
    """As a script does it: each one made from inside the last."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 40, dir_fd=here)
        inner = os.open("d" * 40, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("last", os.O_CREAT, dir_fd=here))
    os.close(here)


def lock(folder: Path) -> None:
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/file").touch()
    (folder / "a/b").chmod(0)
    (folder / "a").chmod(0)


def link(folder: Path) -> None:
    (folder / "file").symlink_to("../../../kept/file")
    (folder / "folder").symlink_to("../../../kept")


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: some disks take milliseconds for each folder."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        yield Path(folder)
        remove(Path(folder) / "session")


@pytest.mark.parametrize("leave", [nest, lock, link])
def test_the_next_blender_has_a_cell_and_nothing_is_left(
    leave: Callable[[Path], None], quick_folder: Path
) -> None:
    def act(here: Path) -> None:
        (here / "kept").mkdir()
        (here / "kept/file").touch()
        cell = Cell(here / "session")
        cell.make()
        leave(cell.home)
        cell.home.chmod(0)
        cell.make()
        assert [path.name for path in (here / "session").iterdir()] == [cell.folder.name]
        assert sorted(path.name for path in cell.folder.rglob("*")) == ["frames", "home"]
        cell.clear()
        assert sorted(path.name for path in here.rglob("*")) == ["file", "kept", "session"]

    powerless(act, quick_folder)


def test_what_cannot_be_deleted_holds_up_no_blender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cell = Cell(tmp_path / "session")
    cell.make()
    (cell.home / "stays").touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as stubborn:
        stubborn.setattr(os, "unlink", refuse)
        stubborn.setattr(os, "rmdir", refuse)
        first = cell.folder
        cell.make()
        assert cell.home.is_dir() and cell.folder != first
    assert "could not clear" in caplog.text
    cell.clear()
    assert not list((tmp_path / "session").iterdir()), "it is tried again"


def test_what_an_agent_before_has_left_goes_too(tmp_path: Path) -> None:
    nest(tmp_path, depth=5)
    (tmp_path / "blender.log").touch()
    (tmp_path / "link").symlink_to(tmp_path.parent)
    Cell(tmp_path).make()
    assert len(list(tmp_path.iterdir())) == 1


def test_each_entry_is_a_sign_of_life_and_all_that_can_go_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        (tmp_path / "folder" / name / f"{name}.file").touch()
    unlink = os.unlink

    def all_but_one(name: str, **where: int) -> None:
        if name == "b.file":
            raise PermissionError(1, "Operation not permitted")
        unlink(name, **where)

    monkeypatch.setattr(os, "unlink", all_but_one)
    beats: list[bool] = []
    with beating_with(lambda: beats.append(True)):
        hindrance = remove(tmp_path / "folder")
    assert isinstance(hindrance, PermissionError)
    assert len(beats) == 6
    assert [path.name for path in tmp_path.rglob("*.file")] == ["b.file"]


def test_a_frames_folder_that_a_script_has_locked_counts_against_its_frame(tmp_path: Path) -> None:
    def act(here: Path) -> None:
        (here / "kept").mkdir()
        cell = Cell(here / "session")
        cell.make()
        written = cell.new_frames_folder()
        written.chmod(0)
        with pytest.raises(InvalidOutput, match=r"made its own folder unusable \(Permission denied\)"):
            take(RenderedFrame(7, 1.0, ("0007.png",), "log"), written, here / "kept")
        sessions = SceneSessions(BlenderShelf([], here / "shelf"), here / "work")
        sessions._cell = cell
        cell.frames.chmod(0)
        with pytest.raises(BlenderDied, match="folder for its frames unusable") as caught:
            sessions.frames_folder()
        assert caught.value.code == "spoiled_folder"

    powerless(act, tmp_path)


def test_a_link_in_place_of_the_frames_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/0007.png").touch()
    (tmp_path / "written").symlink_to("secrets")
    with pytest.raises(InvalidOutput, match="unusable"):
        take(RenderedFrame(7, 1.0, ("0007.png",), "log"), tmp_path / "written", tmp_path)
