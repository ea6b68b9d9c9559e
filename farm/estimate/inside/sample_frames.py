"""Renders single frames as it is told, small and with few samples, and says how long each took.

`blender … --python sample_frames.py -- R W FOLDER` or `python sample_frames.py R W FOLDER`: commands come
on the descriptor R and answers go to W, one JSON object a line. Nothing is written but into FOLDER.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import bpy


def open_file(blend: str, wanted: "dict[str, Any]") -> "dict[str, Any]":
    """Opens the file, applies the job's options, and says what there is to render."""
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    began = time.monotonic()
    bpy.ops.wm.open_mainfile(filepath=blend, load_ui=False, use_scripts=False)
    seconds = time.monotonic() - began
    scene = _scene(wanted.get("scene"))
    if wanted.get("engine"):
        _set_engine(scene, wanted["engine"])
    if wanted.get("camera"):
        scene.camera = scene.objects[wanted["camera"]]
    if wanted.get("resolution_percentage"):
        scene.render.resolution_percentage = wanted["resolution_percentage"]
    if wanted.get("samples"):
        _set_samples(scene, wanted["samples"])
    cycles = scene.cycles if scene.render.engine == "CYCLES" else None
    facts = {
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "engine": scene.render.engine,
        "percent": scene.render.resolution_percentage,
        "pixels": _pixels(scene, scene.render.resolution_percentage),
        "samples": _samples(scene),
        "adaptive": bool(cycles and cycles.use_adaptive_sampling),
        "time_limit_seconds": cycles.time_limit if cycles else 0.0,
        "open_seconds": seconds,
        "blender_version": ".".join(map(str, bpy.app.version)),
        "file_version": ".".join(map(str, bpy.data.version)),
        "simulations": _leave_caches_alone(),
        "scripts_left_out": bool(bpy.app.autoexec_fail),
    }
    _write_nowhere_else(scene)
    if cycles:
        cycles.device = "CPU"  # as on the farm
        cycles.time_limit = 0
    scene.render.threads_mode = "AUTO"
    scene.render.use_persistent_data = False  # each frame is timed as if it were the first
    return facts


def render_frame(frame: int, percent: int, samples: int) -> "dict[str, Any]":
    scene = bpy.context.scene
    scene.render.resolution_percentage = percent
    _set_samples(scene, samples)
    began = time.monotonic()
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return {"seconds": time.monotonic() - began, "pixels": _pixels(scene, percent)}


def _scene(name: "str | None") -> Any:
    if name:
        bpy.context.window.scene = bpy.data.scenes[name]
    return bpy.context.scene


def _set_engine(scene: Any, name: str) -> None:
    ids = {"EEVEE": ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"), "WORKBENCH": ("BLENDER_WORKBENCH",)}
    for engine in ids.get(name, (name,)):
        try:
            scene.render.engine = engine
            return
        except TypeError:  # EEVEE's id depends on the version
            continue
    raise ValueError(f"this Blender has no engine {name}")


def _pixels(scene: Any, percent: int) -> int:
    render = scene.render
    width, height = (
        max(1, int(size) * percent // 100) for size in (render.resolution_x, render.resolution_y)
    )
    return width * height


def _samples(scene: Any) -> int:
    if scene.render.engine == "CYCLES":
        return int(scene.cycles.samples)
    return int(scene.eevee.taa_render_samples) if "EEVEE" in scene.render.engine else 1


def _set_samples(scene: Any, samples: int) -> None:
    if scene.render.engine == "CYCLES":
        scene.cycles.samples = samples
    elif "EEVEE" in scene.render.engine:
        scene.eevee.taa_render_samples = samples
    for layer in scene.view_layers:
        if layer.samples > 0:  # it would win over the scene's
            layer.samples = samples


def _write_nowhere_else(scene: Any) -> None:
    """Pictures go to our folder; what the compositor would write beside them could be somebody's frames."""
    if scene.render.image_settings.file_format in ("FFMPEG", "AVI_JPEG", "AVI_RAW"):
        if hasattr(scene.render.image_settings, "media_type"):  # Blender 5
            scene.render.image_settings.media_type = "IMAGE"
        scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(Path(sys.argv[-1], "frame"))
    own = [tree for tree in (getattr(each, "node_tree", None) for each in bpy.data.scenes) if tree]
    for tree in [*own, *bpy.data.node_groups]:
        for node in [node for node in tree.nodes if node.bl_idname == "CompositorNodeOutputFile"]:
            try:
                tree.nodes.remove(node)
            except RuntimeError:  # of a linked library
                scene.render.use_compositing = False


def _leave_caches_alone() -> "list[str]":
    """Names of objects whose physics is simulated; what would write a cache on disk is not rendered."""
    names = []
    for item in bpy.data.objects:
        for modifier in item.modifiers:
            system = getattr(modifier, "particle_system", None)
            cache = getattr(system or modifier, "point_cache", None)
            domain = getattr(modifier, "domain_settings", None)
            if (cache and not cache.is_baked) or domain:
                names.append(item.name)
            if (cache and cache.use_disk_cache and not cache.is_baked) or (
                domain and domain.cache_type == "REPLAY"
            ):
                modifier.show_render = modifier.show_viewport = False
        if item.rigid_body and item.rigid_body.type == "ACTIVE":
            names.append(item.name)
    return sorted(set(names))


def main() -> None:
    commands_fd, answers_fd = int(sys.argv[-3]), int(sys.argv[-2])
    do: dict[str, Any] = {"open": open_file, "render": render_frame}
    with os.fdopen(commands_fd) as commands, os.fdopen(answers_fd, "w") as answers:
        for line in commands:
            command = json.loads(line)
            try:
                answer = do[command.pop("do")](**command)
            except Exception as error:
                traceback.print_exc()
                said = str(error).strip().splitlines() or [type(error).__name__]
                answer = {"error": said[-1]}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    try:
        main()
    finally:
        sys.stdout.flush()
        os._exit(0)  # some versions of bpy hang when they are taken down
