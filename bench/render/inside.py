"""What is done inside a Blender: `python inside.py -- TASK JSON`, or `blender -b -P inside.py -- TASK JSON`.

Runs under the module and under an executable from 3.4 on, so it imports nothing of this project. What it
finds goes as JSON into the file that JSON names as `report`. Epoch seconds throughout.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import bpy


def make_trivial(to: str) -> None:
    """A monkey under a lamp: next to nothing to render."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.render.image_settings.file_format = "PNG"
    scene.render.resolution_x = scene.render.resolution_y = 64
    scene.world = bpy.data.worlds.new("World")
    bpy.ops.mesh.primitive_monkey_add()
    monkey = bpy.context.object
    for frame, turn in ((1, 0.0), (250, 3.0)):
        monkey.rotation_euler.z = turn
        monkey.keyframe_insert("rotation_euler", frame=frame)
    bpy.ops.object.camera_add(location=(0, -5, 0), rotation=(1.57, 0, 0))
    scene.camera = bpy.context.object
    bpy.ops.object.light_add(type="SUN")
    bpy.ops.wm.save_as_mainfile(filepath=to)


def prepare(blend: str, to: str, frames: int, samples: int, percentage: "int | None", report: str) -> None:
    """The file with its settings in it: every contender then renders it as it is."""
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end, scene.frame_step = 1, frames, 1
    scene.cycles.samples = samples
    scene.render.resolution_percentage = percentage or scene.render.resolution_percentage
    scene.render.image_settings.file_format = "PNG"
    bpy.ops.wm.save_as_mainfile(filepath=to)
    layer = next(layer for layer in scene.view_layers if layer.use)
    Path(report).write_text(json.dumps({"scene": scene.name, "layer": layer.name}), encoding="utf-8")


def render(blend: str, out: str, start: int, end: int, report: str, samples: "int | None" = None) -> None:
    """As `blender BLEND -o OUT/#### -s START -e END -a` does it, and when each picture was on the disk."""
    begun = time.time()
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene = bpy.context.scene
    scene.render.filepath = str(Path(out, "####"))
    scene.frame_end, scene.frame_start = end, start
    scene.frame_end = end  # Blender keeps the two in order by moving the other
    if samples:
        scene.cycles.samples = samples
    written: list[float] = []
    bpy.app.handlers.render_write.append(lambda *_: written.append(time.time()))
    loaded = time.time()
    bpy.ops.render.render(animation=True)
    found = {
        "version": bpy.app.version_string,
        "keeps_data": scene.render.use_persistent_data,
        "begun": begun,
        "loaded": loaded,
        "written": written,
    }
    Path(report).write_text(json.dumps(found), encoding="utf-8")


TASKS: "dict[str, Callable[..., None]]" = {"make_trivial": make_trivial, "prepare": prepare, "render": render}


if __name__ == "__main__":
    code = 1
    try:
        TASKS[sys.argv[-2]](**json.loads(sys.argv[-1]))
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # without Blender's own exit, which is slow and has been seen to hang
