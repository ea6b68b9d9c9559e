"""Files that objects and cameras name by themselves."""

from typing import Any

import bpy

from .finder import Finder
from .reached import Reached


def look(finder: Finder, reached: Reached) -> None:
    for item in reached.of(bpy.types.Object):
        for modifier in item.modifiers:
            if modifier.show_render:
                _modifier(finder, item, modifier)
    for camera in reached.of(bpy.types.Camera):
        custom = camera.type == "CUSTOM" and getattr(camera, "custom_mode", "") == "EXTERNAL"
        if custom:
            finder.require("OSL camera", camera.name, camera.custom_filepath, camera.library)


def _modifier(finder: Finder, item: Any, modifier: Any) -> None:
    if modifier.type == "MESH_CACHE":
        finder.require("mesh cache", item.name, modifier.filepath, item.library)
    elif modifier.type == "OCEAN" and modifier.is_cached:
        folder = finder.path(modifier.filepath, item.library).rstrip("/")
        if not finder.folders.any_begins(folder, "disp_"):
            finder.add("ocean cache", item.name, modifier.filepath, folder, "not one of its files")
