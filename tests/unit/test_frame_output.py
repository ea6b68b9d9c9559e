"""What the agent takes of what a frame has written, when a stranger's script wrote it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from worker_agent.blender import RenderedFrame
from worker_agent.frames import frame_output
from worker_agent.frames.frame_output import take
from worker_agent.output_check import InvalidOutput


def frame(*files: str) -> RenderedFrame:
    return RenderedFrame(frame=7, seconds=1.0, files=files, log="Blender's log")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    written, kept = tmp_path / "written", tmp_path / "kept"
    written.mkdir()
    kept.mkdir()
    (tmp_path / "secret").write_text("the agent's")
    return written, kept


def test_files_are_copied_with_their_folders_and_gone_where_they_were(folders: tuple[Path, Path]) -> None:
    written, kept = folders
    (written / "depth/left").mkdir(parents=True)
    (written / "0007.png").write_bytes(b"picture")
    (written / "depth/left/0007.exr").write_bytes(b"depth")
    held = (written / "0007.png").open("r+b")
    take(frame("0007.png", "depth/left/0007.exr"), written, kept)
    with held:
        held.write(b"changed")  # by a script that kept it open
    assert (kept / "0007.png").read_bytes() == b"picture"
    assert (kept / "depth/left/0007.exr").read_bytes() == b"depth"
    assert not [path for path in written.rglob("*") if path.is_file()]


def test_what_is_missing_is_left_to_who_checks_the_frame(folders: tuple[Path, Path]) -> None:
    take(frame("0007.png", "gone/0007.png"), *folders)
    assert not list(folders[1].iterdir())


def _link(written: Path) -> None:
    (written / "0007.png").symlink_to(written.parent / "secret")


def _dangling_link(written: Path) -> None:
    (written / "0007.png").symlink_to("/nowhere")


def _second_name(written: Path) -> None:
    os.link(written.parent / "secret", written / "0007.png")


def _pipe(written: Path) -> None:
    os.mkfifo(written / "0007.png")


def _folder(written: Path) -> None:
    (written / "0007.png").mkdir()


def _socket(written: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(written / "0007.png"))


def _huge(written: Path) -> None:
    with (written / "0007.png").open("wb") as file:
        file.truncate(frame_output.MOST_FILE_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "is a link"),
        (_dangling_link, "is a link"),
        (_second_name, "another name"),
        (_pipe, "not a regular file"),
        (_folder, "not a regular file"),
        (_socket, "cannot be read"),
        (_huge, "larger than 8 GiB"),
    ],
)
def test_what_is_no_plain_file_of_the_frames_own_is_refused(
    folders: tuple[Path, Path], make: Callable[[Path], None], words: str
) -> None:
    make(folders[0])
    with pytest.raises(InvalidOutput, match=words) as caught:
        take(frame("0007.png"), *folders)
    assert (caught.value.frame, caught.value.log) == (7, "Blender's log")
    assert not list(folders[1].iterdir())
    assert (folders[0].parent / "secret").read_text() == "the agent's"


def test_a_folder_that_is_a_link_leads_nowhere(folders: tuple[Path, Path]) -> None:
    (folders[0] / "depth").symlink_to(folders[0].parent)
    with pytest.raises(InvalidOutput, match="depth is a link"):
        take(frame("depth/secret"), *folders)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "depth//0007.png", "./0007.png", "", "a\0b"])
def test_names_that_lead_elsewhere_are_refused(folders: tuple[Path, Path], name: str) -> None:
    with pytest.raises(InvalidOutput, match="not inside the frame's own folder"):
        take(frame(name), *folders)
