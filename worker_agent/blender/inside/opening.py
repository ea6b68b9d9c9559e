"""Opening a .blend with its scripts disabled or running, and choosing the scene."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from . import devices, engines, fluids, options, scripts
from .device_choice import Choice
from .wire import Failure


@dataclass(frozen=True)
class Opened:
    """A scene with the options applied, and notes for the record."""

    scene: Any
    notes: "list[str]"
    device: Choice


def open_scene(
    blend: str,
    wanted: "dict[str, Any]",
    file_engines: "dict[str, str]",
    *,
    scripts_run: bool,
    bound_device: str,
) -> Opened:
    """Loads the file and applies the options. Raises Failure.

    `bound_device`: what renders the job's other frames; empty when it has none yet.
    """
    options.check(wanted)
    _load(blend, scripts_run)
    scene = _choose(wanted.get("scene"))
    fluids.refuse_in_a_module()  # before anything is evaluated
    notes: list[str] = []
    if wanted.get("engine") is None:
        engines.check_stored(scene, file_engines.get(scene.name), notes)
    options.apply(scene, wanted, notes)
    if not scripts_run:
        scripts.refuse_those_that_are_needed(scene)
    device = devices.settle(scene, wanted.get("device"), bound_device)
    return Opened(scene, notes, device)


def _load(blend: str, scripts_run: bool) -> None:
    name = Path(blend).name
    # Belt and braces: of the preference and the call, neither may let a file's scripts run by itself.
    bpy.context.preferences.filepaths.use_scripts_auto_execute = scripts_run
    try:
        bpy.ops.wm.open_mainfile(filepath=blend, load_ui=False, use_scripts=scripts_run)
    except RuntimeError as error:
        raise Failure("unreadable", _explain(name, str(error))) from error


def _explain(name: str, error: str) -> str:
    if "Missing DNA" in error:
        return f"{name} is incomplete: its end is missing. Was the upload cut off?"
    if "No such file" in error:
        return f"{name} is not there."
    if "not supported" in error or "not a blend" in error:
        return f"{name} is not a Blender file, or it is damaged."
    # Blender's words without the path, which is the farm's business
    return f"Blender cannot read {name}: {error.strip().rpartition(': ')[2]}"


def _choose(wanted: "str | None") -> Any:
    if wanted is None:
        return bpy.context.scene
    scene = bpy.data.scenes.get(wanted)
    if scene is None:
        there = ", ".join(f'"{scene.name}"' for scene in bpy.data.scenes)
        raise Failure("no_such_scene", f'There is no scene "{wanted}". The file has: {there}.')
    if bpy.context.window is not None:  # what follows the context sees the same scene
        bpy.context.window.scene = scene
    return scene
