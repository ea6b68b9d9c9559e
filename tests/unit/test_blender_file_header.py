"""The version in a .blend's first bytes, in every form that Blender has written."""

import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.support.blender_children import ROOT
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


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def _link(path: Path) -> None:
    (path.parent / "agents.blend").write_bytes(b"BLENDER-v405" + bytes(100))
    path.symlink_to("agents.blend")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("replace", [_pipe, _socket, _link, _device])
def test_what_a_script_puts_in_place_of_its_file_is_refused_at_once(
    tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.blend"
    replace(path)
    # in a child, for a reader that waits for a pipe waits for ever
    program = (
        "import sys; from pathlib import Path\n"
        "from worker_agent.blender import SceneRejected\n"
        "from worker_agent.blender.file_facts import FileFacts, read_facts\n"
        "from worker_agent.blender.file_header import read_file_version\n"
        "path = Path(sys.argv[1])\n"
        "assert read_facts(path) == FileFacts()\n"
        "try:\n    read_file_version(path)\n"
        "except SceneRejected as error:\n    print(error.code, error.reason)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=20
    )
    assert done.stdout.startswith("unreadable a.blend cannot be read"), done.stderr
