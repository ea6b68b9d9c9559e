"""The folder that an archive is written to: gone whatever ended it, and left alone while it is in use."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from farm.packing.archive import temporary_folder, write_archive
from farm.packing.plan import plan
from tests.support.projects import project


@pytest.fixture(scope="module")
def blend() -> Path:
    """Made where temporary files usually are, before a test has a place of its own for them."""
    return project("sequences") / "scene.blend"


@pytest.fixture(autouse=True)
def temporary_files_in_tmp_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_it_is_gone_after_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), temporary_folder() as folder:
        (folder / "half.zip").write_bytes(b"PK")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_taken_away_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    left = tmp_path / "farm-pack-left"
    left.mkdir()
    (left / "in-use").touch()
    (left / "half.zip").write_bytes(b"PK")
    with temporary_folder() as first, temporary_folder() as second:
        assert sorted(tmp_path.iterdir()) == sorted([first, second])


def test_without_the_space_nothing_is_written(
    blend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1024))
    with ExitStack() as closing, pytest.raises(OSError, match="set TMPDIR"):
        found = plan(blend, None, closing)
        write_archive(found, tmp_path / "scene.zip", lambda _: None)
    assert list(tmp_path.iterdir()) == []
