"""The trash is emptied whatever lies in it, and however often it is broken off."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from functions.clear_scratch.folder import Folder, open_root
from functions.clear_scratch.trash import AT_ONCE, Trash
from functions.clear_scratch.usage import count_bytes

NOBODY = 65534


def never() -> bool:
    return False


@contextmanager
def trash_in(path: Path) -> Iterator[Trash]:
    with open_root(str(path)) as folder:
        yield Trash(folder, never)


@contextmanager
def unprivileged() -> Iterator[None]:
    """As an agent runs: root may write anywhere."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_with_more_files_than_are_looked_at_together(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    count = 2 * AT_ONCE + 7
    for number in range(count):
        (tmp_path / "job" / str(number)).touch()
    with trash_in(tmp_path) as trash:
        assert trash.empty()
        assert trash.deleted == count + 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Gone at the end whatever is in it, and none of pytest's, which would fail over a deep one for ever."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


def test_no_depth_is_too_deep(own_folder: Path) -> None:
    """Deeper than the longest path, than Python's recursion, and than the files a Lambda may open."""
    levels = 1_500
    with open_root(str(own_folder)) as root:
        here = os.dup(root.descriptor)
        for _ in range(levels):
            os.mkdir("folder-in-folder", dir_fd=here)
            below = os.open("folder-in-folder", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        trash = Trash(root, never)
        assert trash.empty()
        assert trash.deleted == levels
    assert list(own_folder.iterdir()) == []


def test_each_step_is_kept_when_the_time_is_out(tmp_path: Path) -> None:
    for number in range(40):
        path = tmp_path / "job" / f"{number % 4}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with open_root(str(tmp_path)) as folder:
        for done in range(1_000):
            steps = iter(range(3))
            if Trash(folder, lambda steps=steps: next(steps, None) is None).empty():  # type: ignore[misc]
                break
            assert done < 100
    assert done > 10
    assert list(tmp_path.iterdir()) == []


def test_folders_that_a_scene_has_locked() -> None:
    with unprivileged(), tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "job/locked/inner").mkdir(parents=True)
        (root / "job/locked/inner/file").touch()
        for folder in ("job/locked/inner", "job/locked", "job"):
            (root / folder).chmod(0)
        with pytest.raises(PermissionError):
            list((root / "job").iterdir())
        with trash_in(root) as trash:
            assert trash.empty()
        assert list(root.iterdir()) == []


def test_a_locked_folder_can_be_taken_out() -> None:
    """A folder that is moved is written to: its way up changes."""
    with unprivileged(), tempfile.TemporaryDirectory() as name, open_root(name) as root:
        for folder in ("jobs/job", "leaving"):
            (Path(name) / folder).mkdir(parents=True)
        (Path(name) / "jobs/job").chmod(0o500)
        with root.open("jobs") as jobs, root.open("leaving") as leaving:
            jobs.move("job", leaving, "job")
            assert leaving.names() == ["job"]


def test_what_will_not_go_hinders_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "busy", "z"):
        (tmp_path / "job/inner").mkdir(parents=True, exist_ok=True)
        (tmp_path / "job/inner" / name).touch()
    delete = Folder.delete_file

    def refuse(folder: Folder, name: str) -> None:
        if name == "busy":
            raise OSError(16, "Device or resource busy")
        delete(folder, name)

    with monkeypatch.context() as busy, trash_in(tmp_path) as trash:
        busy.setattr(Folder, "delete_file", refuse)
        assert trash.empty()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["busy"]
    assert "Device or resource busy" in caplog.text
    with trash_in(tmp_path) as trash:
        assert trash.empty()
    assert list(tmp_path.iterdir()) == []


def test_two_janitors_at_once(tmp_path: Path) -> None:
    for number in range(400):
        path = tmp_path / f"job-{number % 7}" / f"{number % 5}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with trash_in(tmp_path) as trash:
                assert trash.empty()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with trash_in(tmp_path) as trash:
        assert trash.empty()  # what one of them met in the other's hands
    assert list(tmp_path.iterdir()) == []


class TestCount:
    def test_every_file_counts_and_no_link_is_followed(self, tmp_path: Path) -> None:
        root, outside = tmp_path / "root", tmp_path / "outside"
        (root / "a/b").mkdir(parents=True)
        outside.mkdir()
        (root / "a/b/file").write_bytes(b"x" * 1_000)
        (root / "file").write_bytes(b"x" * 10)
        (outside / "film.mov").write_bytes(b"x" * 100_000)
        (root / "a/link").symlink_to(outside)
        (root / "a/loop").symlink_to(root)
        counted = count_bytes(root, never)
        assert counted is not None
        assert 1_010 <= counted < 10_000

    def test_half_a_count_is_none(self, tmp_path: Path) -> None:
        for number in range(5):
            (tmp_path / str(number)).write_bytes(b"x")
        steps = iter(range(3))
        assert count_bytes(tmp_path, lambda: next(steps, None) is None) is None
        assert count_bytes(tmp_path, never) == 5
