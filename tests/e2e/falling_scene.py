"""Make a scene in which a box falls: `python falling_scene.py OUT.blend LAST`, in a process of its own."""

from __future__ import annotations

import os
import sys

import bpy


def main(path: str, last: int) -> None:
    bpy.ops.wm.read_homefile(use_empty=True)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, last
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 256  # some half a second a frame: agents are to be met in the middle of one
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = False  # not every Blender is built with it
    scene.render.resolution_x = scene.render.resolution_y = 64
    bpy.ops.mesh.primitive_plane_add(size=20)
    bpy.ops.rigidbody.object_add(type="PASSIVE")
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0, 0, 3), rotation=(0.5, 0.4, 0))
    bpy.ops.rigidbody.object_add(type="ACTIVE")
    scene.rigidbody_world.point_cache.frame_end = last
    bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.2, 0))
    bpy.ops.object.camera_add(location=(0, -8, 2), rotation=(1.5, 0, 0))
    camera = bpy.context.object
    camera.keyframe_insert("location", frame=1)
    camera.location.x = 2
    camera.keyframe_insert("location", frame=last)  # the box comes to rest, the pictures do not
    scene.camera = camera
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=False)


if __name__ == "__main__":
    main(sys.argv[-2], int(sys.argv[-1]))
    sys.stdout.flush()
    os._exit(0)  # some versions of bpy hang when they are taken down
