"""Makes the scene of `farm doctor --live`: `python -m farm.doctor.live.three_frames OUT.blend`.

Needs a Python with bpy; what it makes is kept beside it, for whoever runs a farm on AWS may have no Blender.
"""

from __future__ import annotations

import os
import sys

import bpy


def main(path: str) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = "Three frames"
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False  # not every Blender is built with it
    scene.render.resolution_x, scene.render.resolution_y = 64, 36
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    for frame in (1, 3):
        cube.rotation_euler.z = frame / 2
        cube.keyframe_insert("rotation_euler", frame=frame)
    bpy.ops.object.light_add(type="SUN")
    bpy.ops.object.camera_add(location=(0, -6, 0), rotation=(1.5708, 0, 0))
    scene.camera = bpy.context.object
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)


if __name__ == "__main__":
    main(sys.argv[-1])
    sys.stdout.flush()
    os._exit(0)  # some versions of bpy hang when they are taken down
