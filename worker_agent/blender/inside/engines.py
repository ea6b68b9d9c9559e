"""Render engines: their names, and the one that Blender would replace without a word."""

from typing import Any

import bpy

from .wire import Failure

_ALIASES = {
    "cycles": "CYCLES",
    "eevee": "BLENDER_EEVEE",
    "blender_eevee": "BLENDER_EEVEE",
    "blender_eevee_next": "BLENDER_EEVEE",
    "workbench": "BLENDER_WORKBENCH",
    "blender_workbench": "BLENDER_WORKBENCH",
}
# Gone since 2.80; Blender turns them into EEVEE (or Cycles) by design.
_HISTORIC = {"BLENDER_RENDER", "BLENDER_GAME", "BLENDER_CLAY"}


def known(name: object) -> bool:
    """Whether an `engine` option is one that the farm has."""
    return isinstance(name, str) and name.lower() in _ALIASES


def set_engine(scene: Any, name: str) -> None:
    """Sets the engine by any of its names; EEVEE was called …_NEXT from 4.2 to 4.5."""
    wanted = _ALIASES[name.lower()]
    if wanted == "BLENDER_EEVEE" and (4, 2) <= bpy.app.version[:2] < (5, 0):
        wanted = "BLENDER_EEVEE_NEXT"
    try:
        scene.render.engine = wanted
    except TypeError as error:
        raise Failure("no_such_engine", f"This Blender has no engine {name}.") from error


def check_stored(scene: Any, stored: "str | None", notes: "list[str]") -> None:
    """Refuses a scene whose own engine is not here: Blender would render it with EEVEE."""
    if not stored or stored == scene.render.engine or known(stored):
        if stored and stored == "BLENDER_EEVEE" and bpy.data.version < (4, 2, 0) <= bpy.app.version:
            notes.append("EEVEE was rewritten in Blender 4.2: older files look different.")
        return
    if stored in _HISTORIC:
        notes.append(f"The engine {stored} no longer exists; rendered with {scene.render.engine}.")
        return
    raise Failure(
        "unsupported_engine",
        f'The scene "{scene.name}" is made for the render engine {stored}, an add-on that this '
        "farm does not have. Choose another with the option engine (cycles, eevee, workbench).",
    )
