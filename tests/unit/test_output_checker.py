"""The check of a frame's files: what is no picture, what is hostile, and a decoder that misbehaves."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.agent import output_checker
from tests.support.obedient_blender import REPORT
from tests.support.pictures import png
from worker_agent.blender import NodeFile, RenderedFrame
from worker_agent.output_check import CheckerUnavailableError, InvalidOutput, OutputChecker
from worker_agent.output_check import checker as checker_module
from worker_agent.watchdog import beating_with

OUTPUTS = REPORT.frame_outputs
READY = 'import sys, time, os; print(\'{"event": "ready"}\', flush=True); '


def frame(*files: str) -> RenderedFrame:
    return RenderedFrame(frame=1, seconds=1.0, files=files or ("0001.png",), log="Blender's log")


def reason(output: Path, *files: str) -> str:
    with pytest.raises(InvalidOutput) as caught:
        output_checker().check(frame(*files), output, OUTPUTS)
    assert (caught.value.code, caught.value.frame, caught.value.log) == ("invalid_output", 1, "Blender's log")
    return caught.value.reason


def test_a_picture_of_the_right_size_passes(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    (tmp_path / "notes.txt").write_text("no picture that anybody could open")
    output_checker().check(frame("0001.png", "notes.txt"), tmp_path, OUTPUTS)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file 0001.png is empty."),
        (png(32, 32)[:60], "The file 0001.png is damaged or incomplete: its end is missing."),
        (png(32, 32, bytes(97 * 16)), "The file 0001.png is damaged or incomplete"),
        (png(16, 32), "The file 0001.png has 16×32 pixels instead of 32×32."),
        (b"\xff\xd8\xff\xe0 JFIF", "The file 0001.png is no PNG: it holds JPEG"),
        (b"Traceback (most recent call last)", "The file 0001.png is no PNG: it holds something else"),
        (png(60_000, 60_000, b""), "The file 0001.png has 60000×60000 pixels instead of 32×32."),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "0001.png").write_bytes(content)
    assert reason(tmp_path).startswith(says)


def test_a_bomb_that_nothing_is_known_of_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    (tmp_path / "bomb.png").write_bytes(png(60_000, 60_000, b""))
    began = time.monotonic()
    assert reason(tmp_path, "0001.png", "bomb.png") == "The file bomb.png claims to have 60000×60000 pixels."
    assert time.monotonic() - began < 10


def test_what_is_no_regular_file_of_the_frame_is_refused(tmp_path: Path) -> None:
    output, outside = tmp_path / "output", tmp_path / "outside"
    for folder in (output, outside):
        folder.mkdir()
        (folder / "0002.png").write_bytes(png(32, 32))
    os.mkfifo(output / "0001.png")
    assert reason(output) == "0001.png is not a regular file."
    (output / "0001.png").unlink()
    assert reason(output) == "The file 0001.png is missing: Blender did not write it."
    (output / "0001.png").symlink_to(output / "0002.png")
    assert reason(output) == "The file 0001.png is a link, which is not taken."
    (output / "0001.png").unlink()
    (output / "0001.png").write_bytes(png(32, 32))
    (output / "linked").symlink_to(outside)
    assert "is a link" in reason(output, "0001.png", "linked/0002.png")
    for name in ("../outside/0002.png", str(outside / "0002.png"), "a//b.png", "./0002.png", ""):
        assert "is not inside the frame's own folder" in reason(output, "0001.png", name)


def test_files_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    eyes = NodeFile(node="Eyes", folder="Eyes", stem="eye_##", count=2)
    (tmp_path / "Eyes").mkdir()
    (tmp_path / "Eyes/eye_01_L.png").write_bytes(png(8, 8))
    with pytest.raises(InvalidOutput) as caught:
        output_checker().check(
            frame("0001.png", "Eyes/eye_01_L.png"), tmp_path, replace(OUTPUTS, node_files=(eyes,))
        )
    assert caught.value.reason == (
        'Files of File Output nodes are missing: "Eyes/eye_01" of the node "Eyes": 1 of 2 files '
        "(one for each view)."
    )


@pytest.fixture
def misbehaving(tmp_path: Path) -> Iterator[list[OutputChecker]]:
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    checkers: list[OutputChecker] = []
    yield checkers
    for checker in checkers:
        checker.close()


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("sys.stdin.readline(); os.abort()", "could not be opened: the decoder crashed."),
        ("time.sleep(60)", "could not be opened: not done within 0.5 s."),
        ("sys.stdin.readline(); print('hm', flush=True); time.sleep(60)", "the decoder sent rubbish."),
        ("sys.stdin.readline(); print('{\"event\": 1}', flush=True); time.sleep(60)", "cannot be read."),
    ],
)
def test_a_decoder_that_misbehaves_costs_the_file(
    tmp_path: Path, misbehaving: list[OutputChecker], does: str, says: str
) -> None:
    checker = OutputChecker(command=(sys.executable, "-c", READY + does), file_seconds_limit=0.5)
    misbehaving.append(checker)
    for _ in range(2):  # it is replaced, and the next frame is told the same
        with pytest.raises(InvalidOutput) as caught:
            checker.check(frame(), tmp_path, OUTPUTS)
        assert caught.value.reason.startswith("The file 0001.png")
        assert caught.value.reason.endswith(says)


def test_a_machine_that_cannot_decode_is_no_fault_of_the_frame(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    for command in ((sys.executable, "-c", "raise SystemExit(1)"), ("/nonexistent/python",)):
        with pytest.raises(CheckerUnavailableError, match="pictures cannot be checked"):
            OutputChecker(command=command).check(frame(), tmp_path, OUTPUTS)


def test_the_decoder_sees_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    checker = OutputChecker()
    checker.start()
    try:
        assert b"AWS_" not in Path(f"/proc/{checker.pid}/environ").read_bytes()
    finally:
        checker.close()


def test_who_waits_for_another_frames_check_is_not_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker_module, "BEAT_SECONDS", 0.02)
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    beats = threading.Semaphore(0)

    def check() -> None:
        with beating_with(beats.release):
            output_checker().check(frame(), tmp_path, OUTPUTS)

    with output_checker()._turns():
        waiting = threading.Thread(target=check)
        waiting.start()
        assert all(beats.acquire(timeout=20) for _ in range(3))
    waiting.join(20)
    assert not waiting.is_alive()
