"""Rendering frames in the scene that is open."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from . import devices, options, outputs
from .device_choice import Choice
from .files import OutputWatch
from .frames import main_stem, runs
from .wire import Failure, Wire


def render(scene: Any, device: Choice, frames: "list[int]", output: Path, wire: Wire) -> None:
    """Renders the frames in the order given and reports each when its files are on disk.

    Raises Failure with the frame at the first one that fails; the scene stays as it was.
    """
    output.mkdir(parents=True, exist_ok=True)
    outputs.redirect(scene, output)
    # Keeping data between frames is faster and gives the same pixels, but for volumes.
    scene.render.use_persistent_data = not options.has_volumes()
    watch = OutputWatch(output)
    for start, end, step in runs(frames):
        _render_run(scene, device, range(start, end + 1, step), watch, wire)


def _render_run(scene: Any, device: Choice, frames: range, watch: OutputWatch, wire: Wire) -> None:
    waiting = list(frames)
    began = time.monotonic()
    problem: list[Failure] = []

    def written(*_: Any) -> None:
        """After all files of a frame have been written, File Output nodes' and views' too."""
        nonlocal began
        if problem or not waiting:
            return
        try:
            frame = waiting[0]
            if scene.frame_current != frame:  # never a picture under another's number
                reason = f"Blender rendered frame {scene.frame_current} instead of {frame}."
                problem.append(Failure("wrong_frame", reason, frame))
                return
            files = watch.new_files(main_stem(frame))
            if not files:
                problem.append(_no_file(frame))
                return
            devices.check_still_there(scene, device)
            now = time.monotonic()
            wire.send("frame_rendered", frame=frame, seconds=now - began, files=files)
            waiting.pop(0)
            began = now
        except Failure as failure:
            problem.append(Failure(failure.code, failure.reason, waiting[0]))
        except Exception as error:  # Blender would print it and go on
            problem.append(Failure("internal_error", f"Unexpected error: {error!r}", waiting[0]))

    with settings_of_run(scene, frames), _handler(bpy.app.handlers.render_write, written):
        try:
            bpy.ops.render.render(animation=True, scene=scene.name)
        except RuntimeError as error:
            if not problem:
                problem.append(_explain(str(error), waiting[0] if waiting else None))
    if problem:
        raise problem[0]
    if waiting:
        raise _no_file(waiting[0])


_NO_ROOM = (
    ". The scene does not fit into the GPU's memory: smaller textures or fewer polygons make it fit, "
    "instance_types with more GPU memory, or device=cpu, which has the machine's."
)


def _of_gpu(words: str) -> bool:
    return any(name in words for name in ("GPU", "CUDA", "HIP", "OPTIX"))


def _no_file(frame: int) -> Failure:
    reason = f"Blender rendered frame {frame} but wrote no file for it."
    return Failure("no_output", reason, frame)


def _explain(error: str, frame: "int | None") -> Failure:
    words = " ".join(line.removeprefix("Error:").strip() for line in error.strip().splitlines())
    if "no camera" in words.lower():
        code = "no_camera"
    elif "cannot save" in words or "No space" in words:
        code = "cannot_write"
    elif "memory" in words.lower():
        code = "out_of_memory"
    else:
        code = "render_error"
    where = "" if frame is None else f" at frame {frame}"
    advice = _NO_ROOM if _of_gpu(words) and code == "out_of_memory" else ""
    return Failure(code, f"Blender could not render{where}: {words}{advice}", frame)


@contextmanager
def settings_of_run(scene: Any, frames: range) -> "Iterator[None]":
    """The scene's own range comes back: drivers and later inspections may look at it."""
    saved = scene.frame_start, scene.frame_end, scene.frame_step
    # The end first, then the start: Blender keeps the two in order by moving the other.
    scene.frame_end, scene.frame_start = frames[-1], frames[0]
    scene.frame_end, scene.frame_step = frames[-1], frames.step
    if (scene.frame_start, scene.frame_end) != (frames[0], frames[-1]):  # clamped
        bad = frames[0] if scene.frame_start != frames[0] else frames[-1]
        _restore(scene, saved)
        reason = f"Blender cannot render frame {bad}: only frames from 0 to 1,048,574."
        raise Failure("bad_frame", reason, bad)
    try:
        yield
    finally:
        _restore(scene, saved)


def _restore(scene: Any, saved: "tuple[int, int, int]") -> None:
    scene.frame_end, scene.frame_start, scene.frame_step = saved[1], saved[0], saved[2]
    scene.frame_end = saved[1]


@contextmanager
def _handler(handlers: "list[Any]", function: "Callable[..., None]") -> "Iterator[None]":
    handlers.append(function)
    try:
        yield
    finally:
        handlers.remove(function)
