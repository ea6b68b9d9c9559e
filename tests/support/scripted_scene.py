"""Scenes whose own Python matters: a text that makes the scene longer, and a driver that lifts the cube."""

from __future__ import annotations

import os
import sys

from tests.support.scenes import base_scene


def main(blend: str) -> None:
    """Run in a Blender."""
    import bpy

    scene = base_scene()
    cube = bpy.data.objects["Cube"]
    driver = cube.driver_add("location", 2).driver
    driver.use_self = True
    driver.expression = "self.scale.x * 0.7 * (frame - 1)"  # another than what is saved with the file
    text = bpy.data.texts.new("longer.py")
    text.write(f"import bpy\nbpy.context.scene.frame_end = {scene.frame_end + 3}\n")
    text.use_module = True
    bpy.ops.wm.save_as_mainfile(filepath=blend, compress=False)
    sys.stdout.flush()
    os._exit(0)  # with a driver that needs Python, Blender 4.5 hangs at its own exit
