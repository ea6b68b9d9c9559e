"""What is a machine's trouble: on real disks that are full, and a shared file system that goes away."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.support.blender import render, start_session
from tests.support.scenes import scene_file
from tests.support.small_disk import SmallDisk, small_disk
from worker_agent.blender import BlenderDied, BlenderError, BlenderFailed, SceneRejected
from worker_agent.host.machine import FILLED_LIMIT, ONE_EVENT_SECONDS, Machine
from worker_agent.tasks.outcome import MachineTroubleError

CRASH = BlenderDied("Blender crashed.", "crashed")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", kilobytes=1024) as disk:
        yield disk


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def a_machine(
    work: Path,
    scratch: Path,
    *,
    probe_seconds: float = 5.0,
    now: Callable[[], float] = time.monotonic,
) -> Machine:
    """One that can clear what lies in `output`."""
    return Machine(
        work=work,
        scratch=scratch,
        clear=lambda: shutil.rmtree(work / "output", ignore_errors=True),
        minimum_free_bytes=256 * 1024,
        probe_seconds=probe_seconds,
        now=now,
    )


def test_a_sound_machine_takes_work_and_blames_nobody(disk: SmallDisk, scratch: Path) -> None:
    machine = a_machine(disk.folder, scratch)
    machine.require()
    machine.require_scratch()
    machine.blame(CRASH, "job")
    machine.blame(OSError(errno.ENOENT, "gone"), "job")


def test_a_work_folder_that_is_not_made_yet_is_no_trouble(disk: SmallDisk, scratch: Path) -> None:
    a_machine(disk.folder / "work" / "later", scratch).require()


def test_a_machine_without_room_takes_no_work(disk: SmallDisk, scratch: Path) -> None:
    machine = a_machine(disk.folder, scratch)
    filler = disk.fill()
    with pytest.raises(MachineTroubleError, match=r"the disk of a worker is full: .* has less than "):
        machine.require()
    filler.unlink()
    machine.require()


def test_what_the_worker_itself_left_is_cleared_first(disk: SmallDisk, scratch: Path) -> None:
    machine = a_machine(disk.folder, scratch)
    (disk.folder / "output").mkdir()
    shutil.move(disk.fill(), disk.folder / "output" / "leftover")
    machine.require()
    assert not (disk.folder / "output").exists()


def test_whatever_fails_on_a_full_disk_is_the_disks_fault(disk: SmallDisk, scratch: Path) -> None:
    machine = a_machine(disk.folder, scratch)
    disk.fill()
    for error in (CRASH, BlenderFailed("half a picture", "invalid_output"), OSError(errno.EIO, "")):
        for _ in range(FILLED_LIMIT + 2):
            with pytest.raises(MachineTroubleError, match="disk"):
                machine.blame(error, "job")


def test_blender_on_a_full_disk_fails_as_nothing_but_the_disk_explains(
    disk: SmallDisk, scratch: Path, tmp_path: Path
) -> None:
    """Blender 4.5 says "Saved:" and goes on: only the disk itself tells why there is no file."""
    machine = a_machine(disk.folder, scratch)
    disk.fill()
    output = disk.folder / "output" / "frames"
    with start_session(tmp_path) as session:
        session.open(scene_file("plain"), {}, 60)
        with pytest.raises((BlenderError, OSError)) as caught:
            for frame in render(session, [1], output):
                assert (output / frame.files[0]).stat().st_size > 0, "the check of outputs refuses it"
                raise AssertionError("a picture on a full disk")
    with pytest.raises(MachineTroubleError, match="disk"):
        machine.blame(caught.value, "job")


def test_a_real_write_to_a_full_disk_is_the_disks_fault(disk: SmallDisk, scratch: Path) -> None:
    machine = a_machine(disk.folder, scratch)
    disk.fill()
    with pytest.raises(OSError) as caught:
        (disk.folder / "picture").write_bytes(bytes(100_000))
    with pytest.raises(MachineTroubleError, match="disk"):
        machine.blame(caught.value, "job")


def test_a_job_that_fills_an_empty_disk_each_time_is_to_blame_in_the_end(
    disk: SmallDisk, scratch: Path
) -> None:
    times = count(0.0, ONE_EVENT_SECONDS)
    machine = a_machine(disk.folder, scratch, now=lambda: next(times))
    for _ in range(FILLED_LIMIT):
        with pytest.raises(MachineTroubleError, match="No space left"):
            machine.blame(fill(disk), "job")
    machine.blame(fill(disk), "job")  # an attempt that failed
    with pytest.raises(MachineTroubleError):
        machine.blame(fill(disk), "another job")


def test_one_full_disk_under_many_blenders_is_counted_once(disk: SmallDisk, scratch: Path) -> None:
    now = 0.0
    machine = a_machine(disk.folder, scratch, now=lambda: now)
    for event in range(FILLED_LIMIT):
        now = event * ONE_EVENT_SECONDS
        errors = [fill(disk), *[BlenderFailed("No space left on device", "cannot_write")] * 9]
        for error in errors:
            with pytest.raises(MachineTroubleError, match="No space left"):
                machine.blame(error, "job")
            now += 1
    now = FILLED_LIMIT * ONE_EVENT_SECONDS
    machine.blame(fill(disk), "job")
    with pytest.raises(MachineTroubleError):
        machine.blame(BlenderFailed("No space left on device", "cannot_write"), "job")  # beside it


def fill(disk: SmallDisk) -> BlenderError:
    """What is left of a job that fills it, and is cleared."""
    (disk.folder / "output").mkdir()
    shutil.move(disk.fill(), disk.folder / "output" / "0001.exr")
    return BlenderFailed("cannot save: No space left on device", "cannot_write")


def test_an_error_that_names_a_full_disk_is_believed_when_there_is_room_again(
    disk: SmallDisk, scratch: Path
) -> None:
    machine = a_machine(disk.folder, scratch)
    for error in (
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        BlenderFailed("not written", "cannot_write", log="write: No space left on device"),
    ):
        with pytest.raises(MachineTroubleError, match="disk of a worker was full"):
            machine.blame(error, "job")
    machine.blame(BlenderFailed("a driver's words", "render_error", log="No space left in the atlas"), "job")


def test_a_shared_file_system_that_is_gone_is_told_from_a_job_folder_that_is_gone(
    disk: SmallDisk, tmp_path: Path
) -> None:
    machine = a_machine(tmp_path, disk.folder)
    machine.require()
    missing = SceneRejected("scene.blend is not there.", "file_missing")
    machine.blame(missing, "job")
    disk.take_away()
    assert disk.folder.is_dir(), "a mount point is there still: an empty folder of this machine's own disk"
    for act in (machine.require, machine.require_scratch, lambda: machine.blame(missing, "job")):
        with pytest.raises(MachineTroubleError, match="not mounted at"):
            act()


def test_a_plain_folder_serves_as_the_shared_file_system_until_it_is_gone(
    disk: SmallDisk, scratch: Path
) -> None:
    machine = a_machine(disk.folder, scratch)
    machine.require()
    scratch.rmdir()
    with pytest.raises(MachineTroubleError, match="is gone: No such file or directory"):
        machine.require()


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EROFS])
def test_a_file_system_that_fails_is_the_machines_trouble(
    disk: SmallDisk, scratch: Path, number: int
) -> None:
    machine = a_machine(disk.folder, scratch)
    error = OSError(number, os.strerror(number), "/mnt/scratch/jobs/a/scene.blend")
    with pytest.raises(MachineTroubleError, match="a file system of a worker fails"):
        machine.blame(error, "job")
    rejected = SceneRejected("scene.blend cannot be read", "unreadable")
    rejected.__cause__ = error
    with pytest.raises(MachineTroubleError, match="a file system of a worker fails"):
        machine.blame(rejected, "job")


def test_a_file_system_that_hangs_is_waited_for_only_so_long(
    disk: SmallDisk, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering, calls = threading.Event(), []
    ask = os.statvfs

    def hang(path: Path) -> os.statvfs_result:
        if path == scratch:
            calls.append(path)
            answering.wait(30)
        return ask(path)

    machine = a_machine(disk.folder, scratch, probe_seconds=0.2)
    monkeypatch.setattr(os, "statvfs", hang)
    begun_at = time.monotonic()
    with pytest.raises(MachineTroubleError, match="does not answer"):
        machine.require_scratch()
    with pytest.raises(MachineTroubleError, match="does not answer"):
        machine.blame(BlenderFailed("not done within 9 s", "timed_out"), "job")
    assert time.monotonic() - begun_at < 3
    assert len(calls) == 1, "a call that hangs is not made again: each would keep a thread"
    answering.set()
    machine.require_scratch()
    assert len(calls) == 2
