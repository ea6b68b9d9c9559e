"""What is written of a plan, and what is refused."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from farm.file_stamp import stamp
from farm.packing import archive
from farm.packing.archive import write_archive
from farm.packing.plan import Entry, PackError, Patch, Plan
from worker_agent.bundle import Limits, unpack

CONTENT = b"BLENDER-v405 //textures/wood.png"


@pytest.fixture
def blend(tmp_path: Path) -> Path:
    path = tmp_path / "scene.blend"
    path.write_bytes(CONTENT)
    return path


def planned(*files: Path) -> Plan:
    entries = [Entry(source=file, place=file.name, kind="scene", stamp=stamp(file)) for file in files]
    return Plan(entries=tuple(entries), missing=(), silent=())


def save_anew(blend: Path) -> None:
    """As Blender does it: another file, of the same length and here even of the same age."""
    status = blend.stat()
    beside = blend.with_suffix(".blend@")
    beside.write_bytes(CONTENT[::-1])
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(blend)


def write_into(blend: Path) -> None:
    blend.write_bytes(CONTENT + b"more")


@pytest.mark.parametrize("change", [save_anew, write_into])
@pytest.mark.parametrize("patched", [False, True])
def test_a_file_that_was_saved_since_it_was_looked_at_is_not_packed(
    change: object, patched: bool, blend: Path, tmp_path: Path
) -> None:
    patches = (Patch(offset_bytes=13, content=b"//t"),) if patched else ()
    entry = Entry(
        source=blend, place="scene.blend", kind="scene", stamp=stamp(blend), patches=patches, plain=blend
    )
    assert callable(change)
    change(blend)
    with pytest.raises(PackError, match=r"scene\.blend has changed while it was packed: submit it again"):
        write_archive(Plan(entries=(entry,), missing=(), silent=()), tmp_path / "scene.zip", lambda _: None)


def test_a_file_that_is_saved_while_it_is_copied_is_not_packed(blend: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="has changed while it was packed"):
        write_archive(planned(blend), tmp_path / "scene.zip", lambda _: save_anew(blend))


def test_what_stays_as_it_is_is_packed(blend: Path, tmp_path: Path) -> None:
    write_archive(planned(blend), tmp_path / "scene.zip", lambda _: None)
    with zipfile.ZipFile(tmp_path / "scene.zip") as bundle:
        assert bundle.read("scene.blend") == CONTENT


def test_what_packs_too_well_for_the_farm_is_packed_less(
    blend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_bytes = 1024**2
    monkeypatch.setattr(archive, "FREE_UNPACKED_BYTES", free_bytes)
    black = [tmp_path / f"black{number}.tif" for number in range(4)]
    for file in black:
        file.write_bytes(bytes(4 * free_bytes))
    target = tmp_path / "scene.zip"
    write_archive(planned(blend, *black), target, lambda _: None)
    assert target.stat().st_size < 5 * free_bytes, "one of them does"
    (tmp_path / "project").mkdir()
    unpack(target, tmp_path / "project", "scene.blend", Limits(free_unpacked_bytes=free_bytes))
