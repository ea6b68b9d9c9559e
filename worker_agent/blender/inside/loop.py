"""The command loop: one command at a time, each answered by its last event or by `failed`."""

import shutil
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from . import baking, inspection, opening, proof, rendering
from .wire import Failure, Wire


class Session:
    """The scene that is open, and what may be done with it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._opened: opening.Opened | None = None
        self._opened_with: dict[str, Any] = {}

    def greet(self, _: "dict[str, Any]") -> None:
        self._wire.send("greeted")

    def open(self, command: "dict[str, Any]") -> None:
        self._opened = None
        opened = self._load(command)
        facts = {name: command[name] for name in ("file_engines", "asked_frames", "for_bake")}
        report = inspection.inspect(opened, **facts)
        self._opened, self._opened_with = opened, command
        as_loaded = not inspection.changes_the_scene(for_bake=command["for_bake"])
        self._wire.send("opened", report=report, device=asdict(opened.device), as_loaded=as_loaded)

    def bake(self, command: "dict[str, Any]") -> None:
        project = Path(command["project"])
        expectations = baking.bake(
            self._known().scene, command["last_frame"], project, self._reopen, self._wire
        )
        self._wire.send("baked", expectations=expectations)

    def prove(self, command: "dict[str, Any]") -> None:
        proof.prove(self._known().scene, command["expectations"], bpy.app.tempdir)
        self._wire.send("proved")

    def render(self, command: "dict[str, Any]") -> None:
        known = self._known()
        rendering.render(known.scene, known.device, command["frames"], Path(command["output"]), self._wire)
        self._wire.send("render_finished")

    def _load(self, command: "dict[str, Any]") -> opening.Opened:
        return opening.open_scene(
            command["blend"],
            command["options"],
            command["file_engines"],
            scripts_run=bool(command["scripts"]),
            bound_device=command["bound_device"],
        )

    def _reopen(self) -> Any:
        """The same scene, loaded anew."""
        self._opened = self._load(self._opened_with)
        return self._opened.scene

    def _known(self) -> opening.Opened:
        if self._opened is None:
            raise Failure("no_scene", "No scene is open.")
        return self._opened


def run(commands_fd: int, events_fd: int) -> int:
    """Serves the parent until it is gone; returns the exit code."""
    wire = Wire(commands_fd, events_fd)
    session = Session(wire)
    actions = {
        "greet": session.greet,
        "open": session.open,
        "bake": session.bake,
        "prove": session.prove,
        "render": session.render,
    }
    wire.send(
        "ready",
        version=list(bpy.app.version),
        build=bpy.app.build_hash.decode("ascii", "replace"),
        color_config=str(Path(bpy.utils.system_resource("DATAFILES"), "colormanagement", "config.ocio")),
    )
    for command in wire.commands():
        name = command["do"]
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
