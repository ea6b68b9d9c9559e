"""The command loop: one command at a time, each answered by its last event or by `failed`."""

import shutil
import traceback
from pathlib import Path
from typing import Any

import bpy

from . import baking, inspection, opening, rendering
from .wire import Failure, Wire


class Session:
    """The scene that is open, and what may be done with it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._scene_name = ""

    def open(self, command: "dict[str, Any]") -> None:
        self._scene_name = ""
        scene, notes = opening.open_scene(command["blend"], command["options"], command["file_engines"])
        facts = {"file_engines": command["file_engines"], "asked_frames": command["asked_frames"]}
        report = inspection.inspect(scene, notes, **facts)
        self._scene_name = scene.name
        self._wire.send("opened", report=report)

    def bake(self, command: "dict[str, Any]") -> None:
        baking.bake(self._scene(), command["last_frame"], command["save_as"], self._wire)
        self._wire.send("baked")

    def render(self, command: "dict[str, Any]") -> None:
        rendering.render(self._scene(), command["frames"], Path(command["output"]), self._wire)
        self._wire.send("render_finished")

    def _scene(self) -> Any:
        if not self._scene_name:
            raise Failure("no_scene", "No scene is open.")
        return bpy.data.scenes[self._scene_name]


def run(commands_fd: int, events_fd: int) -> int:
    """Serves the parent until it says quit or is gone; returns the exit code."""
    wire = Wire(commands_fd, events_fd)
    session = Session(wire)
    actions = {"open": session.open, "bake": session.bake, "render": session.render}
    wire.send("ready", version=list(bpy.app.version))
    for command in wire.commands():
        name = command["do"]
        if name == "quit":
            break
        try:
            actions[name](command)
        except Failure as failure:
            fields = {"code": failure.code, "reason": failure.reason, "frame": failure.frame}
            wire.send("failed", during=name, **fields)
        except Exception as error:
            traceback.print_exc()
            reason = f"Unexpected error in the render session: {type(error).__name__}: {error}"
            wire.send("failed", during=name, code="internal_error", reason=reason, frame=None)
    shutil.rmtree(bpy.app.tempdir, ignore_errors=True)  # Blender's own exit would have done it
    return 0
