"""Scenes for `bench.sessions`, each made by a Blender of its own: importing bpy is slow, and it may crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

_BEGIN: Final = """
import bpy, os, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
scene.render.image_settings.file_format = "PNG"
scene.frame_end = 1000
scene.world = bpy.data.worlds.new("World")
bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.57, 0, 0))
scene.camera = bpy.context.object
bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.3, 0))
"""
_END: Final = """
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1], compress=False)
sys.stdout.flush()
os._exit(0)
"""
_ONE_THREAD: Final = """
scene.cycles.samples = 2
scene.render.resolution_x, scene.render.resolution_y = 160, 90
mover = bpy.data.objects.new("Mover", None)
scene.collection.objects.link(mover)
for frame, x in ((1, 0), (1000, 30)):
    mover.location.x = x
    mover.keyframe_insert("location", frame=frame)
bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=7)
waves = bpy.context.object.modifiers.new("Waves", "DISPLACE")
waves.texture = bpy.data.textures.new("Clouds", "CLOUDS")
waves.strength, waves.texture_coords, waves.texture_coords_object = 0.5, "OBJECT", mover
bpy.context.object.modifiers.new("Fewer", "DECIMATE").ratio = 0.1
"""
_ALL_THREADS: Final = """
scene.cycles.samples = 128
scene.render.resolution_x = scene.render.resolution_y = 192
bpy.ops.mesh.primitive_monkey_add()
for frame, x in ((1, -2), (1000, 2)):
    bpy.context.object.location.x = x
    bpy.context.object.keyframe_insert("location", frame=frame)
"""
_SMALL: Final = """
scene.cycles.samples = 1
scene.render.resolution_x = scene.render.resolution_y = 32
bpy.ops.mesh.primitive_cube_add()
"""
_LEAK: Final = """
text = bpy.data.texts.new("leak.py")
text.write('''
import bpy

KEPT = []

@bpy.app.handlers.persistent
def keep(*_):
    KEPT.append(b"1" * MEGABYTES * 1024**2)

bpy.app.handlers.render_pre.append(keep)
'''.replace("MEGABYTES", sys.argv[-2]))
text.use_module = True
"""


def make_one_threaded(blend: Path) -> None:
    """A frame is nearly all the work of one thread: a mesh with modifiers that is new in each frame."""
    _make(_ONE_THREAD, blend)


def make_all_threaded(blend: Path) -> None:
    """A frame is nearly all path tracing, which every processor does."""
    _make(_ALL_THREADS, blend)


def make_leaking(blend: Path, *, megabytes: int, quick: bool) -> None:
    """Its own script keeps so much more memory with each frame; one that is `quick` has little to do."""
    _make((_SMALL if quick else _ONE_THREAD) + _LEAK, blend, str(megabytes))


def _make(scene: str, blend: Path, *arguments: str) -> None:
    command = [sys.executable, "-c", _BEGIN + scene + _END, *arguments, str(blend)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
