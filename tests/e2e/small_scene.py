"""Make a small animated scene: `[FRAME_SECONDS=…] python small_scene.py OUT.blend`.

A child's work: bpy is heavy and global.
"""

from __future__ import annotations

import os
import sys

import bpy


def main(path: str, seconds: float = 0) -> None:
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    scene.name = "Szene"
    scene.frame_start, scene.frame_end = 1, 8
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1 if seconds == 0 else 1_000_000
    scene.cycles.time_limit, scene.cycles.use_adaptive_sampling = seconds, False
    scene.cycles.use_denoising = False  # not every Blender is built with it
    scene.render.resolution_x, scene.render.resolution_y = 64, 36
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    cube.keyframe_insert("rotation_euler", frame=1)
    cube.rotation_euler.z = 1.5
    cube.keyframe_insert("rotation_euler", frame=8)
    bpy.ops.object.light_add(type="SUN")
    bpy.ops.object.camera_add(location=(0, -6, 0), rotation=(1.5708, 0, 0))
    scene.camera = bpy.context.object
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=False)


if __name__ == "__main__":
    main(sys.argv[-1], float(os.environ.get("FRAME_SECONDS", "0")))
    sys.stdout.flush()
    os._exit(0)  # some versions of bpy hang when they are taken down
