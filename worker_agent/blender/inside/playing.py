"""Going through the timeline while simulations fill their caches, told of and recorded frame by frame."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from .proof import Recorder
from .simulations import Simulation
from .wire import Wire


def play(items: "list[Simulation]", last_frame: int, recorder: Recorder, wire: Wire) -> None:
    """Steps through every frame of each scene; the point caches among the items fill themselves."""
    for scene in {item.scene.name: item.scene for item in items}.values():
        here = [item for item in items if item.scene == scene]
        first = min(item.first_frame for item in here)
        last = min(last_frame, max(item.last_frame for item in here))
        activate(scene, here[0].layer)
        kinds = ", ".join(dict.fromkeys(item.kind for item in here))
        names = ", ".join(dict.fromkeys(item.name for item in here))
        for frame in range(first, last + 1):
            scene.frame_set(frame)
            recorder.take(frame, scene)
            wire.send("bake_progress", kind=kinds, object=names[:200], frame=frame, last_frame=last)


def look_again(item: Simulation, recorder: Recorder) -> None:
    """Records a simulation that is baked already, as it is played from its files."""
    activate(item.scene, item.layer)
    for frame in recorder.frames:
        item.scene.frame_set(frame)
        recorder.take(frame, item.scene)


@contextmanager
def view_restored() -> "Iterator[None]":
    """Scene, view layer and frames are saved with the file: they are the artist's again at the end."""
    window = bpy.context.window
    shown = (window.scene, window.view_layer) if window is not None else None
    frames = [(scene, scene.frame_current) for scene in bpy.data.scenes]
    yield
    for scene, frame in frames:
        if scene.frame_current != frame:
            scene.frame_set(frame)
    if shown is not None:
        activate(*shown)


def activate(scene: Any, layer: Any) -> None:
    """Simulation zones live in the graph of the window's scene and view layer only."""
    window = bpy.context.window
    if window is not None:
        window.scene = scene
        window.view_layer = layer


@contextmanager
def watched(item: Simulation, recorder: "Recorder | None", wire: Wire) -> "Iterator[None]":
    """Reports, and records, each frame that an operator steps through."""
    first, last = item.first_frame, item.last_frame

    def look(scene: Any, *_: Any) -> None:
        frame = scene.frame_current
        if first <= frame <= last:
            wire.send("bake_progress", kind=item.kind, object=item.name, frame=frame, last_frame=last)
            if recorder is not None:
                recorder.take(frame, scene)

    activate(item.scene, item.layer)
    bpy.app.handlers.frame_change_post.append(look)
    try:
        yield
    finally:
        bpy.app.handlers.frame_change_post.remove(look)
