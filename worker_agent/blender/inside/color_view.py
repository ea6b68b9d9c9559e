"""How the scene shows its colours, and in which space its frames are stored: for previews of them."""

from typing import Any

import bpy

_SCENE_LINEAR = {"OPEN_EXR", "OPEN_EXR_MULTILAYER", "HDR"}
if bpy.app.version >= (4, 0):  # older ones encode it, as sRGB
    _SCENE_LINEAR |= {"DPX"}


def describe(scene: Any) -> "dict[str, Any]":
    """As the report has it (ColorView)."""
    view = scene.view_settings
    return {
        "stored_in": _stored_in(scene.render.image_settings),
        "display": scene.display_settings.display_device,
        "view": view.view_transform,
        "look": view.look,
        "exposure": view.exposure,
        "gamma": view.gamma,
        "curves": view.use_curve_mapping,
        "white_balance": getattr(view, "use_white_balance", False),
    }


def _stored_in(settings: Any) -> str:
    """The colour space of the main picture's pixels; nothing when Blender applies the view as it saves.

    That is the scene's view, or the output's own where it overrides the scene's colours. (Cineon is saved
    without any, in a curve of film: its preview is as pale as the file.)
    """
    if settings.file_format == "DPX" and "DPX" not in _SCENE_LINEAR:
        return "" if settings.use_cineon_log else "sRGB"
    if settings.file_format not in _SCENE_LINEAR:
        return ""
    if getattr(settings, "color_management", "") == "OVERRIDE":
        chosen = getattr(getattr(settings, "linear_colorspace_settings", None), "name", "")
        if chosen:
            return str(chosen)
    working_space = getattr(getattr(bpy.data, "colorspace", None), "working_space", "")  # from 5.0
    return working_space or "scene_linear"
