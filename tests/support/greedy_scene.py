"""A scene whose text runs a program when the file is opened, and then keeps Blender waiting."""

from __future__ import annotations

from tests.support.scenes import base_scene


def main(blend: str, program: str) -> None:
    """Run in a Blender."""
    import bpy

    base_scene()
    text = bpy.data.texts.new("greedy.py")
    text.write(f"import time\n{program}\ntime.sleep(5)\n")
    text.use_module = True
    bpy.ops.wm.save_as_mainfile(filepath=blend, compress=False)
