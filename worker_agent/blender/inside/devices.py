"""Turning on what renders: Cycles' GPUs, or the graphics card that draws EEVEE."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import bpy

from . import device_choice
from .device_choice import Choice, Gpu
from .wire import Failure

_INTERFACES = ("OPTIX", "CUDA", "HIP")
"""In the order of preference: the two of NVIDIA, the quicker first, and AMD's."""
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software rasterizer")
"""Mesa's, which draw on the CPU and say nothing of it."""
_NODES = ("dri/renderD*", "nvidia[0-9]*", "kfd")


def settle(scene: Any, asked: "str | None", bound: str) -> Choice:
    """Has the scene render with what the choice says. Raises Failure when that is not here.

    Blender itself takes the CPU without a word when it finds no GPU, and goes on calling it one.
    """
    if scene.render.engine != "CYCLES":
        return device_choice.for_drawing(
            engine=scene.render.engine, asked=asked, bound=bound, renderer=graphics_card()
        )
    cycles = scene.cycles
    choice = device_choice.for_cycles(
        asked=asked, bound=bound, saved_as=cycles.device, gpu=turn_on_gpus(_preferences())
    )
    cycles.device = "CPU" if choice.kind == device_choice.CPU else "GPU"
    return choice


def check_still_there(scene: Any, choice: Choice) -> None:
    """Raises Failure when a frame was not rendered by what was chosen: for each, once it is rendered.

    The scene's own scripts run, and may have chosen otherwise.
    """
    if choice.kind == device_choice.OPENGL and not _name_of_card():
        reason = "The frame was drawn in software (llvmpipe) though the worker has a GPU."
        raise Failure(device_choice.NO_DEVICE, reason)
    if scene.render.engine != "CYCLES" or choice.kind == device_choice.OPENGL:
        return
    on_gpu = scene.cycles.device == "GPU" and _preferences().has_active_device()
    if on_gpu != (choice.kind in _INTERFACES):
        by = "a GPU" if on_gpu else "the CPU"
        reason = f"The frame was rendered by {by}, and the job's frames are rendered with {choice.kind}."
        raise Failure(device_choice.NO_DEVICE, f"{reason} Does a script of the scene change that?")


def turn_on_gpus(preferences: Any) -> "Gpu | None":
    """The first interface that has a device, with all of its GPUs and nothing else turned on.

    `preferences` are those of Cycles' add-on.
    """
    for interface in _INTERFACES:
        try:
            preferences.compute_device_type = interface
        except TypeError:  # this Blender was built without
            continue
        preferences.refresh_devices()
        found = [device for device in preferences.devices if device.type == interface]
        for device in preferences.devices:
            device.use = device in found  # a CPU beside the GPU would change the picture and slow it down
        if found and preferences.has_active_device():
            return Gpu(interface, tuple(device.name for device in found))
    preferences.compute_device_type = "NONE"
    return None


@cache
def graphics_card(nodes: Path = Path("/dev")) -> str:
    """What OpenGL draws with; empty when that is software, as it is where no device can be seen at all.

    Blender names it only after it has drawn, so it draws the smallest of pictures.
    """
    if not any(True for pattern in _NODES for _ in nodes.glob(pattern)):
        return ""
    _draw_a_pixel()
    return _name_of_card()


def _draw_a_pixel() -> None:
    scene = bpy.data.scenes.new("farm device probe")
    camera = bpy.data.objects.new("farm device probe", bpy.data.cameras.new("farm device probe"))
    try:
        scene.collection.objects.link(camera)
        scene.camera = camera
        scene.render.engine = "BLENDER_WORKBENCH"
        scene.render.resolution_x = scene.render.resolution_y = 4
        with tempfile.TemporaryDirectory(dir=bpy.app.tempdir) as folder:
            scene.render.filepath = f"{folder}/"
            scene.frame_start = scene.frame_end = 1
            bpy.ops.render.render(animation=True, scene=scene.name)
    finally:
        data = camera.data
        bpy.data.objects.remove(camera)
        bpy.data.cameras.remove(data)
        bpy.data.scenes.remove(scene)


def _name_of_card() -> str:
    import gpu

    name = str(gpu.platform.renderer_get())
    return "" if any(word in name.lower() for word in _SOFTWARE) else name


def _preferences() -> Any:
    return bpy.context.preferences.addons["cycles"].preferences
