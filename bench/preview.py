"""Time and peak memory of previews: `python -m bench.preview [FRAMES …]` of 2K EXR frames.

Each number of frames is measured in a process of its own: as an agent it has every frame's file checked and
its small pictures made, then makes video and contact sheet. A folder stands in for the bucket.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final, cast

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job
from contract.keys import contact_sheet_key, preview_key
from worker_agent.blender import FrameOutputs, MainPicture, RenderedFrame
from worker_agent.output_check import OutputChecker, Pictures
from worker_agent.preview import PreviewMaker
from worker_agent.stores.bucket import Bucket, StoredProxy
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.task_queue import Message, TaskQueue

_FRAMES: Final = (50, 500)
_SIZE: Final = (2048, 1080)
_KINDS: Final = 5
"""Different pictures, which come again and again."""
_LOOK_SECONDS: Final = 0.02
_VIEW: Final = {"display": "sRGB", "view": "AgX", "look": "None", "exposure": 0.0, "gamma": 1.0}
_JOB: Final = Job(
    job_id="bench",
    project="bench",
    name="bench.blend",
    bucket="bench",
    source_key="bench/bench.blend",
    source_version="1",
    source_bytes=1,
    created_at="2026",
    scene={"fps": "24.0"},
)


def main(counts: tuple[int, ...]) -> None:
    print("previews of 2K frames (2048×1080, EXR of half floats, AgX); peaks of resident memory")
    print(f"{'frames':>7} {'agent':>9} {'decoder':>9} {'encoder':>9} {'checks':>9} {'preview':>9} {'mp4':>9}")
    for count in counts:
        found = measure(count, *_SIZE)
        memory = " ".join(f"{found[name] / 2**20:6.0f} MB" for name in ("agent", "decoder", "encoder"))
        seconds = f"{found['check_seconds']:7.1f} s {found['preview_seconds']:7.1f} s"
        print(f"{count:>7} {memory} {seconds} {found['mp4_bytes'] / 2**20:6.1f} MB")


def measure(count: int, width: int, height: int) -> dict[str, float]:
    """Peaks of the three processes in bytes, and seconds, of so many frames; in a new process."""
    command = [sys.executable, "-m", "bench.preview", "--one", str(count), str(width), str(height)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[1], timeout=3600
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _one(count: int, width: int, height: int) -> dict[str, float]:
    with TemporaryDirectory(prefix="bench-preview-") as temporary, _peaks() as peaks:
        folder = Path(temporary)
        make = [sys.executable, "-m", "bench.linear_frames", *map(str, (folder, _KINDS, width, height))]
        subprocess.run(make, check=True)  # elsewhere: it takes more memory than what is measured
        files = sorted(folder.glob("*.exr"))
        bucket = _FolderBucket(folder)
        began = perf_counter()
        checker = OutputChecker()
        for frame in range(1, count + 1):
            _check(checker, bucket, frame, files[frame % _KINDS])
        checker.close()
        checked = perf_counter()
        maker = PreviewMaker(cast(Bucket, bucket), folder=lambda: _new_folder(folder / "preview"))
        records = [FrameRecord(frame=frame, state=FrameState.DONE) for frame in range(1, count + 1)]
        lease = Lease(cast(TaskQueue, None), Message("", "", ""), 1 << 30, lambda: None)
        made = maker.make(_JOB, records, lease)
        ended = perf_counter()
        if len(made.files) != 2:
            raise RuntimeError(f"no preview was made: {made.notes}")
        return {
            **peaks,
            "check_seconds": checked - began,
            "preview_seconds": ended - checked,
            "mp4_bytes": bucket.path(preview_key("bench", "bench")).stat().st_size,
            "sheet_bytes": bucket.path(contact_sheet_key("bench", "bench")).stat().st_size,
        }


def shown_by_agx() -> dict[str, Any]:
    """Of scene-linear frames, by the configuration of the Blender that is installed here as a module; it is
    not loaded. What view_transform takes."""
    spec = find_spec("bpy")
    if spec is None or spec.origin is None:
        raise RuntimeError("bpy is not installed: its colour configuration is needed")
    config = next(Path(spec.origin).parent.glob("*/datafiles/colormanagement/config.ocio"))
    stored = {"stored_in": "scene_linear", "config": str(config)}
    return {**_VIEW, **stored, "curves": False, "white_balance": False}


def _check(checker: OutputChecker, bucket: _FolderBucket, frame: int, file: Path) -> None:
    main = MainPicture(("",), ".exr", "OPEN_EXR", 16, False, 0, 0)
    shown = shown_by_agx()
    output = _new_folder(file.parent / "output")
    name = f"{frame:04d}.exr"
    (output / name).hardlink_to(file)
    pictures = checker.check(RenderedFrame(frame, 1.0, (name,), ""), output, FrameOutputs(main, ()), shown)
    if pictures is None or pictures.note:
        raise RuntimeError(f"frame {frame} has no pictures: {pictures and pictures.note}")
    bucket.put_pictures(_JOB, {frame: pictures})
    (output / name).unlink()
    output.rmdir()


class _FolderBucket:
    """What a preview needs of a Bucket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "bucket"

    def path(self, key: str) -> Path:
        path = self._folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def put_pictures(self, job: Job, pictures: Mapping[int, Pictures]) -> None:
        for frame, of_frame in pictures.items():
            self.path(f"{frame}.jpg").write_bytes(of_frame.proxy)

    def proxy(self, job: Job, record: FrameRecord) -> StoredProxy:
        return StoredProxy(data=self.path(f"{record.frame}.jpg").read_bytes(), note="")

    def upload_file(self, key: str, file: Path, *, content_type: str) -> None:
        copyfile(file, self.path(key))


@contextmanager
def _peaks() -> Iterator[dict[str, Any]]:
    """The highest resident memory of this process and of its decoder and encoder, kept up to date."""
    peaks: dict[str, Any] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            children = {
                pid
                for task in Path("/proc/self/task").iterdir()
                for pid in (task / "children").read_text().split()
            }
            for pid in ("self", *children):
                with suppress(OSError, StopIteration):
                    process = Path("/proc", pid)
                    command = (process / "cmdline").read_bytes().decode()
                    name = next((n for n in ("decoder", "encoder") if n in command), "agent")
                    lines = (process / "status").read_text().splitlines()
                    line = next(line for line in lines if line.startswith("VmHWM"))
                    if pid == "self" or name != "agent":
                        peaks[name] = max(peaks.get(name, 0), int(line.split()[1]) * 1024)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()


def _new_folder(path: Path) -> Path:
    path.mkdir()
    return path


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_one(*(int(argument) for argument in sys.argv[2:]))))
    else:
        main(tuple(int(argument) for argument in sys.argv[1:]) or _FRAMES)
