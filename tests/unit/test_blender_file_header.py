"""The version in a .blend's first bytes, in every form that Blender has written."""

import gzip
from pathlib import Path

import pytest
import zstandard

from worker_agent.blender import SceneRejected
from worker_agent.blender.file_facts import FileFacts, read_facts
from worker_agent.blender.file_header import BlenderVersion, read_file_version

HEADERS = [
    (b"BLENDER-v405", "4.5"),
    (b"BLENDER_V279", "2.79"),
    (b"BLENDER-v300", "3.0"),
    (b"BLENDER17-01v0502", "5.2"),
    (b"BLENDER17-01v1100", "11.0"),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize(("header", "version"), HEADERS)
def test_every_form_raw_and_packed(tmp_path: Path, pack: type[bytes], header: bytes, version: str) -> None:
    path = tmp_path / "a.blend"
    path.write_bytes(pack(header + b"REND" + bytes(5000)))
    assert str(read_file_version(path)) == version


def test_versions_compare_as_numbers() -> None:
    assert BlenderVersion(4, 10) > BlenderVersion(4, 5) > BlenderVersion(3, 99)


@pytest.mark.parametrize(
    "content", [b"", b"BLENDER", b"PK\x03\x04", gzip.compress(b"no blend at all", mtime=0)]
)
def test_anything_else_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shot.blend"
    path.write_bytes(content)
    with pytest.raises(SceneRejected, match=r"^shot\.blend "):
        read_file_version(path)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "folder"), (tmp_path / "no.blend", "not there")):
        with pytest.raises(SceneRejected, match=words):
            read_file_version(path)


def test_the_facts_of_a_damaged_file_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "half.blend"
    for content in (b"BLENDER-v405DATA", b"\x28\xb5\x2f\xfd", b""):
        path.write_bytes(content)
        assert read_facts(path) == FileFacts()
