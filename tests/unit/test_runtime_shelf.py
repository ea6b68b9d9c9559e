"""Blenders are installed once, whole or not at all, whoever interrupts whom."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.runtimes import RuntimeSpec
from worker_agent.runtimes.commands import run
from worker_agent.runtimes.errors import InstallError, RuntimeUnavailableError
from worker_agent.runtimes.shelf import FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, BlenderShelf
from worker_agent.runtimes.wheel import install_wheel
from worker_agent.tasks.outcome import InterruptedTaskError

SPEC = RuntimeSpec(version="4.5.15")
Stopped = Callable[[], bool]


def pretend(spec: RuntimeSpec, folder: Path, stopped: Stopped) -> Path:
    """Install a script that says what a Blender says; count it beside the shelf."""
    home = folder / "made"
    home.mkdir()
    (home / "blender").write_text(f"#!/bin/sh\necho Blender {spec.version}\n")
    (home / "blender").chmod(0o755)
    with (folder.parent.parent / "installs").open("a") as count:
        count.write(f"{os.getpid()}\n")
    return home


def slowly(spec: RuntimeSpec, folder: Path, stopped: Stopped) -> Path:
    home = pretend(spec, folder, stopped)
    time.sleep(1)
    return home


def hang(spec: RuntimeSpec, folder: Path, stopped: Stopped) -> Path:
    pretend(spec, folder, stopped)
    time.sleep(60)
    raise AssertionError


def installs(tmp_path: Path) -> int:
    return len((tmp_path / "installs").read_text().splitlines())


def take(folder: Path, installer: Callable[[RuntimeSpec, Path, Stopped], Path]) -> None:
    """In a process of its own; exits 1 when the Blender is not there afterwards."""
    start = BlenderShelf([SPEC], folder, installer=installer).runtime(SPEC).path
    sys.exit(0 if start.is_file() else 1)


def test_what_is_there_already_is_taken_as_it_is(tmp_path: Path) -> None:
    spec = RuntimeSpec(version="3.4.1", path="/usr/bin/blender")
    assert str(BlenderShelf([spec], tmp_path / "none").runtime(spec).path) == "/usr/bin/blender"
    assert not (tmp_path / "none").exists()


def test_many_at_once_install_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=take, args=(tmp_path / "shelf", slowly)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0] * 4
    assert installs(tmp_path) == 1


def test_an_installer_that_was_killed_leaves_nothing_and_holds_up_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "shelf"
    victim = multiprocessing.get_context("fork").Process(target=take, args=(folder, hang))
    victim.start()
    while not (tmp_path / "installs").exists():
        time.sleep(0.02)
    assert victim.pid
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    assert not (folder / "4.5.15-executable").exists()
    assert list(folder.glob(".*.part"))
    assert BlenderShelf([SPEC], folder, installer=pretend).runtime(SPEC).path.is_file()
    assert not list(folder.glob(".*.part")), "what the dead one left is cleared away"


def test_a_worker_that_must_go_does_not_wait_for_another_ones_install(tmp_path: Path) -> None:
    stop = threading.Event()
    folder = tmp_path / "shelf"
    other = multiprocessing.get_context("fork").Process(target=take, args=(folder, hang))
    other.start()
    try:
        while not (tmp_path / "installs").exists():
            time.sleep(0.02)
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(InterruptedTaskError):
            BlenderShelf([SPEC], folder, installer=pretend, stopped=stop.is_set).runtime(SPEC)
        assert time.monotonic() - began < 5
    finally:
        other.kill()
        other.join()


def test_a_failed_install_is_told_again_and_not_tried_again_for_a_while(tmp_path: Path) -> None:
    now = [1000.0]
    tries: list[float] = []

    def fail(spec: RuntimeSpec, folder: Path, stopped: Stopped) -> Path:
        tries.append(now[0])
        raise InstallError("the server is down") if len(tries) % 2 else OSError("no space left")

    shelf = BlenderShelf([SPEC], tmp_path, installer=fail, clock=lambda: now[0])
    waits = []
    for _ in range(8):
        with pytest.raises(RuntimeUnavailableError) as caught:
            shelf.runtime(SPEC)
        with pytest.raises(RuntimeUnavailableError) as again:
            shelf.runtime(SPEC)
        assert str(again.value) == str(caught.value)
        assert caught.value.retry_seconds <= again.value.retry_seconds <= caught.value.retry_seconds + 1
        waits.append(caught.value.retry_seconds)
        now[0] += caught.value.retry_seconds + 0.1
    assert len(tries) == 8
    assert waits[:3] == [FIRST_RETRY_SECONDS, 2 * FIRST_RETRY_SECONDS, 4 * FIRST_RETRY_SECONDS]
    assert waits[-1] == LONGEST_RETRY_SECONDS
    assert "no space left" in str(caught.value) and "Blender 4.5.15" in str(caught.value)


def test_an_installed_one_that_lost_its_start_is_installed_anew(tmp_path: Path) -> None:
    """As an environment does whose Python was removed."""
    shelf = BlenderShelf([SPEC], tmp_path / "shelf", installer=pretend)
    start = shelf.runtime(SPEC).path
    start.unlink()
    start.symlink_to(tmp_path / "gone")
    assert shelf.runtime(SPEC).path.is_file()
    assert installs(tmp_path) == 2
    assert len(list((tmp_path / "shelf").glob("[!.]*"))) == 1


def test_a_folder_that_cannot_be_written_is_the_workers_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RuntimeUnavailableError, match=r"Blender 4\.5\.15 .*file"):
        BlenderShelf([SPEC], tmp_path / "file" / "shelf", installer=pretend).runtime(SPEC)


def test_a_job_finds_its_own_blender_or_hears_what_there_is(tmp_path: Path) -> None:
    module = RuntimeSpec(version="4.5.15", path="/x/python")
    shelf = BlenderShelf([SPEC, module], tmp_path)
    assert shelf.find("4.5.15", "module") is module
    assert shelf.find("4.5.15", "executable") is SPEC
    with pytest.raises(RuntimeUnavailableError) as caught:
        shelf.find("5.2.3", "module")
    assert "bound to Blender 5.2.3 (module), which this worker has not" in str(caught.value)
    assert "4.5.15 (executable), 4.5.15 (module)" in str(caught.value)


def test_a_program_is_ended_with_its_children_when_the_worker_must_go(tmp_path: Path) -> None:
    script = f"sleep 300 & echo $! > {tmp_path}/pid; wait"
    began = time.monotonic()
    with pytest.raises(InterruptedTaskError):
        run(
            ["/bin/sh", "-c", script],
            what="it",
            seconds=60,
            stopped=lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "",
        )
    assert time.monotonic() - began < 10
    child = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}/stat").exists() and " Z " not in Path(f"/proc/{child}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_that_fails_or_takes_too_long_is_told() -> None:
    with pytest.raises(InstallError, match="it: exit 3: no network"):
        run(["/bin/sh", "-c", "echo no network >&2; exit 3"], what="it", seconds=10, stopped=lambda: False)
    with pytest.raises(InstallError, match="it: not done within 0 s"):
        run(["/bin/sleep", "60"], what="it", seconds=0.3, stopped=lambda: False)
    with pytest.raises(InstallError, match="it: /no/such/program cannot be run"):
        run(["/no/such/program"], what="it", seconds=10, stopped=lambda: False)


def test_a_wheel_for_a_python_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"Blender 5\.2\.3 could not be installed as a module of /no/py"):
        install_wheel("5.2.3", "/no/python3.13", tmp_path, stopped=lambda: False)


def made_by(program: str) -> Callable[[RuntimeSpec, Path, Stopped], Path]:
    """An installer of a Blender that says its version, and else runs this shell program."""

    def install(spec: RuntimeSpec, folder: Path, stopped: Stopped) -> Path:
        home = pretend(spec, folder, stopped)
        (home / "blender").write_text(
            f'#!/bin/sh\n[ "$1" = --version ] || {{ {program}; }}\necho Blender {spec.version}\n'
        )
        return home

    return install


def test_a_blender_whose_files_cannot_be_compiled_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    installer = made_by("echo No space left on device; exit 3")
    assert BlenderShelf([SPEC], tmp_path / "shelf", installer=installer).runtime(SPEC).path.is_file()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("each start of this Blender will take longer: ")
    assert record.getMessage().endswith("is not compiled: exit 3: No space left on device")


def test_a_worker_that_must_go_does_not_wait_until_all_is_compiled(tmp_path: Path) -> None:
    stop = threading.Event()
    shelf = BlenderShelf([SPEC], tmp_path / "shelf", installer=made_by("sleep 60"), stopped=stop.is_set)
    threading.Timer(1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(InterruptedTaskError):
        shelf.runtime(SPEC)
    assert time.monotonic() - began < 20
    assert not list((tmp_path / "shelf").glob("*-executable"))
