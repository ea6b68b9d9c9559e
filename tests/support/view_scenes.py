"""One picture shown in several ways, each saved as PNG (`png_<way>.blend`) and linear (`exr_<way>.blend`).

`make(folder, blender)` makes them all in one process, inside the Blender that will render them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

from tests.support.blender_children import run_in_blender
from tests.support.output_scenes import a_scene, set_format

WAYS: Final[dict[str, dict[str, Any]]] = {
    "Standard": {"view_transform": "Standard"},
    "Filmic": {"view_transform": "Filmic"},
    "Filmic_look": {"view_transform": "Filmic", "look": "High Contrast", "exposure": 0.7},
    "AgX": {"view_transform": "AgX"},
    "AgX_look": {"view_transform": "AgX", "look": "AgX - Punchy", "gamma": 1.3},
    "Neutral": {"view_transform": "Khronos PBR Neutral", "exposure": -1.0},
    "transparent": {"view_transform": "Filmic"},
    "curves": {"view_transform": "Standard", "use_curve_mapping": True},
}
FORMATS: Final[dict[str, dict[str, Any]]] = {
    "png": {"file_format": "PNG"},
    "exr": {"file_format": "OPEN_EXR", "color_depth": "16"},
    "hdr": {"file_format": "HDR"},
    "dpx": {"file_format": "DPX"},
    "multilayer": {"file_format": "OPEN_EXR_MULTILAYER"},
}
"""The last ones only of one way each."""


def make(folder: Path, blender: str) -> list[str]:
    """The ways that this Blender has."""
    run_in_blender("tests.support.view_scenes", str(folder), blender=blender)
    return sorted(path.stem.removeprefix("png_") for path in folder.glob("png_*.blend"))


def _lights(scene: Any) -> None:
    """Colours from black to far beyond white, some of them saturated."""
    tree = scene.world.node_tree
    background = next(node for node in tree.nodes if node.type == "BACKGROUND")
    noise = next(node for node in tree.nodes if node.type == "TEX_NOISE")
    noise.inputs["Scale"].default_value = 3.0
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    black, white = ramp.color_ramp.elements
    black.position, black.color = 0.25, (0, 0, 0, 1)
    white.position, white.color = 0.75, (16, 12, 9, 1)
    for position, color in ((0.4, (0.02, 0.1, 0.5, 1)), (0.5, (0.2, 0.2, 0.18, 1)), (0.6, (2, 0.2, 0.05, 1))):
        ramp.color_ramp.elements.new(position).color = color
    tree.links.new(noise.outputs[0], ramp.inputs[0])
    tree.links.new(ramp.outputs[0], background.inputs["Color"])


def _half_a_cover(scene: Any) -> None:
    """An emitting plane before half of a world that is not shown."""
    import bpy

    scene.render.film_transparent = True
    bpy.ops.mesh.primitive_plane_add(size=1, location=(0.3, 0, -2), rotation=(0, 0, 0.4))
    material = bpy.data.materials.new("Glow")
    material.use_nodes = True
    emission = material.node_tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = (1, 0.3, 0.05, 1)
    emission.inputs["Strength"].default_value = 3
    end = next(node for node in material.node_tree.nodes if node.type == "OUTPUT_MATERIAL")
    material.node_tree.links.new(emission.outputs[0], end.inputs[0])
    bpy.context.object.data.materials.append(material)


def main(folder: str) -> None:
    import bpy

    for way, values in WAYS.items():
        scene = a_scene()
        scene.render.dither_intensity = 0
        _lights(scene)
        if way == "transparent":
            _half_a_cover(scene)
        try:
            for name, value in values.items():
                setattr(scene.view_settings, name, value)
        except TypeError as error:
            print(way, error)  # this Blender has no such view
            continue
        for name, settings in FORMATS.items():
            if name not in ("png", "exr") and way != "Filmic":
                continue
            mode = "RGBA" if way == "transparent" else "RGB"
            set_format(scene.render.image_settings, **settings, color_mode=mode)
            bpy.ops.wm.save_as_mainfile(filepath=str(Path(folder, f"{name}_{way}.blend")))
    sys.stdout.flush()
    os._exit(0)
