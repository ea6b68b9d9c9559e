"""The job's options, checked and applied to the scene."""

from typing import Any

import bpy

from . import engines
from .wire import Failure

_LIMITS = {"samples": (1, 1_000_000), "resolution_percentage": (1, 1000)}
_NAMES = {"scene", "camera", "engine", "device", *_LIMITS}
_DEVICES = (None, "cpu", "gpu")


def check(wanted: "dict[str, Any]") -> None:
    """Everything that can be said about the options without a scene."""
    unknown = sorted(set(wanted) - _NAMES)
    if unknown:
        raise Failure("unknown_option", f"Unknown option: {', '.join(unknown)}.")
    engine = wanted.get("engine")
    if engine is not None and not engines.known(engine):
        expected = "cycles, eevee or workbench"
        raise Failure("no_such_engine", f'Unknown engine "{engine}": expected {expected}.')
    if wanted.get("device") not in _DEVICES:
        raise Failure("bad_option", f"device is {wanted['device']!r}: expected cpu or gpu.")
    for name, (least, most) in _LIMITS.items():
        value = wanted.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            expected = f"a whole number from {least} to {most}"
            raise Failure("bad_option", f"{name} is {value!r}: expected {expected}.")


def apply(scene: Any, wanted: "dict[str, Any]", notes: "list[str]") -> None:
    """Changes the scene as the options say; what is not given stays as it was saved."""
    if wanted.get("engine") is not None:
        engines.set_engine(scene, wanted["engine"])
    if wanted.get("camera") is not None:
        _set_camera(scene, wanted["camera"])
    if wanted.get("samples") is not None:
        _set_samples(scene, wanted["samples"], notes)
    if wanted.get("resolution_percentage") is not None:
        scene.render.resolution_percentage = wanted["resolution_percentage"]
    _make_reproducible(scene, notes)


def _set_camera(scene: Any, name: str) -> None:
    camera = scene.objects.get(name)
    if camera is None or camera.type != "CAMERA":
        cameras = [item.name for item in scene.objects if item.type == "CAMERA"]
        there = ", ".join(f'"{item}"' for item in cameras) or "none"
        raise Failure(
            "no_such_camera",
            f'There is no camera "{name}" in the scene "{scene.name}". Its cameras: {there}.',
        )
    for marker in scene.timeline_markers:  # a marker's camera would win, even while removed
        marker.camera = None
    scene.camera = camera


def _set_samples(scene: Any, samples: int, notes: "list[str]") -> None:
    if hasattr(scene, "cycles"):
        scene.cycles.samples = samples
    for layer in scene.view_layers:
        if layer.samples > 0:  # 0 means "the scene's"; anything else wins over it
            layer.samples = samples
    scene.eevee.taa_render_samples = samples
    if scene.render.engine == "BLENDER_WORKBENCH":
        notes.append("The option samples has no meaning for Workbench.")


def _make_reproducible(scene: Any, notes: "list[str]") -> None:
    scene.render.threads_mode = "AUTO"  # the author's number of cores is not the worker's
    if scene.render.engine != "CYCLES":
        return
    if getattr(scene.cycles, "time_limit", 0) > 0:
        notes.append("Cycles' time limit is set: pictures depend on the worker's speed.")


def has_volumes() -> bool:
    """Volume objects linger between frames when data are kept (Blender 5)."""
    return any(item.type == "VOLUME" for item in bpy.data.objects)
