"""The child process: its time limits, its environment, and its end, with real processes."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.blender import SECONDS, fake_runtime, render, start_session
from tests.support.living import is_alive, wait_until
from tests.support.scenes import scene_file
from worker_agent.blender import (
    BlenderDied,
    BlenderError,
    BlenderKilled,
    BlenderSession,
    BlenderTimedOut,
    Runtime,
)


def start_fake(folder: Path, behaviour: str) -> BlenderSession:
    return BlenderSession.start(
        runtime=fake_runtime(folder, behaviour),
        workdir=folder / "work",
        log_path=folder / "blender.log",
        start_timeout_seconds=10,
    )


def error_of(session: BlenderSession, folder: Path, seconds: float = 5) -> BlenderError:
    with pytest.raises(BlenderError) as caught:
        list(session.render([1, 2], folder, seconds))
    return caught.value


def test_kill_from_another_thread_ends_a_render_at_once(tmp_path: Path) -> None:
    with start_session(tmp_path) as session:
        session.open(scene_file("plain"), {"samples": 1_000_000, "resolution_percentage": 1000}, SECONDS)
        killed_at: list[float] = []

        def kill() -> None:
            time.sleep(1)
            killed_at.append(time.monotonic())
            session.kill()

        threading.Thread(target=kill).start()
        with pytest.raises(BlenderKilled):
            render(session, [1, 2], tmp_path / "out")
        assert time.monotonic() - killed_at[0] < 1
        assert not is_alive(session.pid)
        with pytest.raises(BlenderKilled):
            session.open(scene_file("plain"), {}, SECONDS)


def test_killed_before_it_is_asked(tmp_path: Path) -> None:
    with start_fake(tmp_path, "hang") as session:
        session.kill()
        session.kill()
        with pytest.raises(BlenderKilled):
            render(session, [1], tmp_path)
    session.kill()  # after close: nothing to do, nothing breaks


def test_a_stubborn_child_and_its_descendants_are_gone(tmp_path: Path) -> None:
    session = start_fake(tmp_path, "stubborn_family")
    assert wait_until((tmp_path / "pids").exists, 10)
    assert wait_until(lambda: len((tmp_path / "pids").read_text().split()) == 3, 10)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert all(is_alive(pid) for pid in pids)
    began = time.monotonic()
    error = error_of(session, tmp_path, seconds=0.3)
    assert isinstance(error, BlenderTimedOut)
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids), 2)
    assert time.monotonic() - began < 2
    session.close()


def test_what_a_crashed_child_has_left_behind_is_gone(tmp_path: Path) -> None:
    """Its parent has ended: no list of descendants has it."""
    session = start_fake(tmp_path, "crash_and_leave_a_child")
    assert error_of(session, tmp_path).code == "crashed"
    orphan = int((tmp_path / "pids").read_text())
    assert wait_until(lambda: not is_alive(orphan), 2)
    session.close()


@pytest.mark.parametrize(
    ("behaviour", "kind", "code", "words"),
    [
        ("crash", BlenderDied, "crashed", "SIGSEGV"),
        ("leave", BlenderDied, "exited", "exit code 7"),
        ("out_of_memory", BlenderDied, "out_of_memory", "memory"),
        ("rubbish", BlenderDied, "garbled", "Saved: /tmp"),
        ("malformed", BlenderDied, "garbled", "malformed"),
        ("nested", BlenderDied, "garbled", "no event"),
        ("endless", BlenderDied, "garbled", "infinity"),
        ("unasked", BlenderDied, "garbled", "frame 77"),
        ("failed_without_a_reason", BlenderDied, "garbled", "code"),
        ("hang", BlenderTimedOut, "timed_out", "frame 1"),
        ("chatter", BlenderTimedOut, "timed_out", "frame 1"),
        ("one_frame_then_hang", BlenderTimedOut, "timed_out", "frame 2"),
    ],
)
def test_every_bad_end_has_its_name(
    tmp_path: Path, behaviour: str, kind: type[BlenderError], code: str, words: str
) -> None:
    with start_fake(tmp_path, behaviour) as session:
        began = time.monotonic()
        error = error_of(session, tmp_path, seconds=0.5)
        assert time.monotonic() - began < 2.5
        assert (type(error), error.code) == (kind, code)
        assert words in error.reason
        assert not is_alive(session.pid)
        with pytest.raises(kind):  # it stays what it was
            session.open(tmp_path / "x.blend", {}, 1)


def test_the_log_comes_with_the_error(tmp_path: Path) -> None:
    with start_fake(tmp_path, "leave") as session:
        assert "the reason is in the log" in error_of(session, tmp_path).log


def test_a_start_has_a_time_limit(tmp_path: Path) -> None:
    with pytest.raises(BlenderTimedOut, match="while starting"):
        BlenderSession.start(
            runtime=fake_runtime(tmp_path, "never_ready"),
            workdir=tmp_path / "work",
            log_path=tmp_path / "log",
            start_timeout_seconds=0.5,
        )
    with pytest.raises(BlenderDied) as caught:
        BlenderSession.start(
            runtime=Runtime.of(tmp_path / "not-there"),
            workdir=tmp_path / "work",
            log_path=tmp_path / "log",
            start_timeout_seconds=0.5,
        )
    assert caught.value.code == "no_runtime"


def test_the_child_sees_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    with start_fake(tmp_path, "tell_environment") as session:
        assert wait_until((tmp_path / "told.json").exists, 5)
        del session
    told = json.loads((tmp_path / "told.json").read_text())
    work = str(tmp_path / "work")
    set_by_the_shell = {"PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"}
    names = set(told["env"]) - set_by_the_shell
    assert {name for name in names if not name.startswith("BLENDER_USER_")} == {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "FARM_BLENDER_SESSION",
    }
    assert told["cwd"] == told["env"]["HOME"] == told["env"]["TMPDIR"] == work
    assert all(told["env"][name].startswith(work) for name in names if name.startswith("BLENDER_USER_"))
    assert "secret" not in json.dumps(told)
    argv = told["argv"]
    assert argv[:5] == ["--background", "--factory-startup", "--disable-autoexec", "--python-exit-code", "3"]
    assert argv[5] == "--python"
    assert argv[6].endswith("session.py")
    assert argv[7] == "--"


def test_close_does_not_wait_for_a_blender_that_hangs(tmp_path: Path) -> None:
    session = start_fake(tmp_path, "hang")
    began = time.monotonic()
    session.close()
    session.close()
    assert time.monotonic() - began < 3
    assert not is_alive(session.pid)


def test_close_after_a_python_driver_is_quick(tmp_path: Path) -> None:
    """Blender 4.5 hangs at its own exit after such a driver was evaluated."""
    session = start_session(tmp_path)
    with pytest.raises(BlenderError, match=r"self\.location"):
        session.open(scene_file("script_drivers"), {}, SECONDS)
    began = time.monotonic()
    session.close()
    assert time.monotonic() - began < 2
    assert not is_alive(session.pid)


def test_a_render_left_in_the_middle_ends_the_session(tmp_path: Path) -> None:
    with start_session(tmp_path) as session:
        session.open(scene_file("plain"), {}, SECONDS)
        frames = session.render([1, 2, 3], tmp_path / "out", SECONDS)
        assert next(frames).frame == 1
        del frames
        assert wait_until(lambda: not is_alive(session.pid), 2)
        with pytest.raises(BlenderKilled):
            session.open(scene_file("plain"), {}, SECONDS)


def test_the_session_runs_as_a_script_of_the_executable(tmp_path: Path) -> None:
    """A wrapper that takes Blender's arguments and hands the script to a Python with bpy."""
    wrapper = tmp_path / "blender"
    wrapper.write_text(
        f'#!/bin/sh\nwhile [ "$1" != --python ]; do shift; done\nshift\nexec "{sys.executable}" "$@"\n'
    )
    wrapper.chmod(0o755)
    with BlenderSession.start(
        runtime=Runtime.of(wrapper),
        workdir=tmp_path / "work",
        log_path=tmp_path / "log",
        start_timeout_seconds=SECONDS,
    ) as session:
        session.open(scene_file("plain"), {}, SECONDS)
        assert render(session, [1], tmp_path / "out")[0].files == ("0001.png",)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in left


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="the system has no such score")
def test_without_memory_blender_and_its_children_go_before_the_agent(tmp_path: Path) -> None:
    with start_fake(tmp_path, "stubborn_family"):
        assert wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text() != "", 10)
        scores = [
            int(Path(f"/proc/{pid}/oom_score_adj").read_text())
            for pid in (tmp_path / "pids").read_text().split()
        ]
    assert scores == [500, 500, 500]
    assert int(Path("/proc/self/oom_score_adj").read_text()) < 500
