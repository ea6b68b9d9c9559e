"""Scenes that write their pictures in every way, made inside the Blender that will render them.

`make(folder, blender)` makes all of them in one process: 40×24 pixels, Cycles with one sample.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.blender_children import run_in_blender

_MAKERS: dict[str, Callable[[Any], None]] = {}


def make(folder: Path, blender: str) -> list[str]:
    """Names of the files `<name>.blend` made in the folder: not every Blender has every format."""
    run_in_blender("tests.support.output_scenes", str(folder), blender=blender)
    return sorted(path.stem for path in folder.glob("*.blend"))


def _maker(function: Callable[[Any], None]) -> Callable[[Any], None]:
    _MAKERS[function.__name__] = function
    return function


def set_format(settings: Any, file_format: str, **values: Any) -> None:
    """Raises TypeError for what this Blender has not."""
    if hasattr(settings, "media_type"):  # from 5.0 it decides which formats there are
        multilayer = file_format == "OPEN_EXR_MULTILAYER"
        settings.media_type = "MULTI_LAYER_IMAGE" if multilayer else "IMAGE"
    settings.file_format = file_format
    for name, value in values.items():
        setattr(settings, name, value)


def a_scene() -> Any:
    """Empty but for a camera and a world of coloured noise; not saved."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x, scene.render.resolution_y = 40, 24
    scene.frame_start = scene.frame_end = 1
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    nodes = scene.world.node_tree.nodes
    scene.world.cycles.sampling_method = "NONE"  # a map of what the light comes from takes seconds
    noise = nodes.new("ShaderNodeTexNoise")  # few bytes of the pictures are zeros
    noise.inputs["Scale"].default_value = 50
    background = next(node for node in nodes if node.type == "BACKGROUND")
    scene.world.node_tree.links.new(noise.outputs[1], background.inputs["Color"])
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    return scene


def _format(name: str, file_format: str, **values: Any) -> None:
    def maker(scene: Any) -> None:
        set_format(scene.render.image_settings, file_format, **values)
        scene.render.resolution_x, scene.render.resolution_y = 160, 128  # a JPEG 2000 needs so many

    _MAKERS[name] = maker


for _depth in ("8", "16"):
    _format(f"png_{_depth}", "PNG", color_depth=_depth)
    _format(f"tiff_{_depth}", "TIFF", color_depth=_depth, tiff_codec="DEFLATE")
_format("tiff_raw", "TIFF", tiff_codec="NONE", color_mode="RGB")
_format("jpeg", "JPEG")
_format("webp", "WEBP", color_mode="RGBA")
_format("targa", "TARGA", color_mode="RGBA")
_format("targa_raw", "TARGA_RAW", color_mode="RGB")
_format("bmp", "BMP")
_format("hdr", "HDR")
_format("iris", "IRIS")
_format("dpx_10", "DPX", color_depth="10")
_format("dpx_16", "DPX", color_depth="16")
_format("cineon", "CINEON")
_format("avif", "AVIF")
_format("jp2", "JPEG2000", jpeg2k_codec="JP2")
_format("j2c", "JPEG2000", jpeg2k_codec="J2K", color_depth="16")
for _codec in ("NONE", "ZIP", "PIZ", "DWAA", "HTJ2K"):
    _format(f"exr_{_codec.lower()}", "OPEN_EXR", exr_codec=_codec, color_depth="16")
_format("exr_32", "OPEN_EXR", color_depth="32", color_mode="RGBA")
_format("multilayer", "OPEN_EXR_MULTILAYER")


@_maker
def percentage(scene: Any) -> None:
    scene.render.resolution_x, scene.render.resolution_y = 101, 67
    scene.render.resolution_percentage = 33


def _border(scene: Any) -> None:
    scene.render.use_border = True
    scene.render.border_min_x, scene.render.border_max_x = 0.1, 0.77
    scene.render.border_min_y, scene.render.border_max_y = 0.3, 0.9


@_maker
def border(scene: Any) -> None:
    _border(scene)


@_maker
def border_exr(scene: Any) -> None:
    _border(scene)
    set_format(scene.render.image_settings, "OPEN_EXR")


@_maker
def crop(scene: Any) -> None:
    _border(scene)
    scene.render.use_crop_to_border = True


@_maker
def crop_multilayer(scene: Any) -> None:
    crop(scene)
    set_format(scene.render.image_settings, "OPEN_EXR_MULTILAYER")


def _stereo(scene: Any, views_format: str, mode: str = "ANAGLYPH", squeezed: bool = False) -> None:
    scene.render.use_multiview = True
    scene.render.views_format = "STEREO_3D"
    settings = scene.render.image_settings
    settings.views_format = views_format
    settings.stereo_3d_format.display_mode = mode
    settings.stereo_3d_format.use_squeezed_frame = squeezed


@_maker
def stereo_individual(scene: Any) -> None:
    _stereo(scene, "INDIVIDUAL")


for _mode in ("ANAGLYPH", "INTERLACE", "SIDEBYSIDE", "TOPBOTTOM"):
    for _squeezed in (False, True):

        def _combined(scene: Any, mode: str = _mode, squeezed: bool = _squeezed) -> None:
            _stereo(scene, "STEREO_3D", mode, squeezed)

        _MAKERS[f"stereo_{_mode.lower()}{'_squeezed' * _squeezed}"] = _combined


@_maker
def stereo_one_eye(scene: Any) -> None:
    _stereo(scene, "INDIVIDUAL")
    scene.render.views["right"].use = False


@_maker
def multiview(scene: Any) -> None:
    """Three views of which one is off, with names of their own; cropped."""
    crop(scene)
    _stereo(scene, "INDIVIDUAL")
    scene.render.views_format = "MULTIVIEW"
    for name, suffix, use in (("far", "../.x/far", True), ("spare", "_s", False)):
        view = scene.render.views.new(name)
        view.file_suffix, view.use = suffix, use


@_maker
def multiview_exr(scene: Any) -> None:
    set_format(scene.render.image_settings, "OPEN_EXR_MULTILAYER")
    _stereo(scene, "MULTIVIEW")


@_maker
def multiview_exr_individual(scene: Any) -> None:
    set_format(scene.render.image_settings, "OPEN_EXR_MULTILAYER")
    _stereo(scene, "INDIVIDUAL")


@_maker
def sequencer(scene: Any) -> None:
    """The picture is a colour strip's, cropped."""
    crop(scene)
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    arguments = {"name": "Colour", "type": "COLOR", "channel": 1, "frame_start": 1}
    try:
        strips.new_effect(**arguments, length=20)
    except TypeError:  # before 5.0
        strips.new_effect(**arguments, frame_end=20)


@_maker
def sequencer_16_bit(scene: Any) -> None:
    sequencer(scene)
    set_format(scene.render.image_settings, "PNG", color_depth="16")


class _Tree:
    """A compositor: render layers to the scene's output, and File Output nodes."""

    def __init__(self, scene: Any) -> None:
        import bpy

        if hasattr(scene, "compositing_node_group"):  # 5.x
            self.tree = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
            scene.compositing_node_group = self.tree
            self.tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
            self.end = self.tree.nodes.new("NodeGroupOutput")
        else:
            scene.use_nodes = True
            self.tree = scene.node_tree
            self.tree.nodes.clear()
            self.end = self.tree.nodes.new("CompositorNodeComposite")
        self.layers = self.tree.nodes.new("CompositorNodeRLayers")
        self.layers.scene = scene
        self.image = self.layers.outputs["Image"]
        self.link(self.image, self.end.inputs[0])

    def link(self, one: Any, other: Any) -> None:
        self.tree.links.new(one, other)

    def new(self, kind: str, source: Any = None) -> Any:
        node = self.tree.nodes.new(f"CompositorNode{kind}")
        if source is not None:
            self.link(source, node.inputs["Image"])
        return node

    def output(self, name: str, sources: "dict[str, Any]", file_format: str = "PNG", **values: Any) -> Any:
        """A File Output node: path of each slot → what is linked to it (None: nothing)."""
        node = self.tree.nodes.new("CompositorNodeOutputFile")
        node.name = name
        set_format(node.format, file_format, **values)
        if hasattr(node, "file_output_items"):
            node.directory, node.file_name = "//", ""
            while len(node.file_output_items):
                node.file_output_items.remove(node.file_output_items[0])
            for path in sources:
                node.file_output_items.new("RGBA", path)
        else:
            node.base_path = "//"
            slots = node.layer_slots if file_format == "OPEN_EXR_MULTILAYER" else node.file_slots
            slots.clear()
            for path in sources:
                slots.new(path)
        for socket, source in zip(node.inputs, sources.values(), strict=False):
            if source is not None:
                self.link(source, socket)
        return node


@_maker
def nodes(scene: Any) -> None:
    """Slots that are written, in all manners of linking, and some that are not."""
    tree = _Tree(scene)
    scene.view_layers[0].use_pass_z = True
    blurred = tree.new("Blur", tree.image).outputs["Image"]
    muted = tree.new("Blur", tree.image)
    muted.mute = True
    sources = {
        "beauty": tree.image,
        "sub/blur_###_x": blurred,
        "depth#": tree.layers.outputs["Depth"],
        "muted": muted.outputs["Image"],
        "unlinked": None,
        "colour": tree.new("RGB").outputs[0],
    }
    tree.output("Passes", sources)
    tree.output("Off", {"never": tree.image}).mute = True
    tree.output("JPEGs", {"a": tree.image}, "JPEG")


@_maker
def nodes_multilayer(scene: Any) -> None:
    tree = _Tree(scene)
    tree.output("Layers", {"one": tree.image, "two": None}, "OPEN_EXR_MULTILAYER")


@_maker
def nodes_stereo(scene: Any) -> None:
    tree = _Tree(scene)
    _stereo(scene, "INDIVIDUAL")
    tree.output("Eyes", {"eye": tree.image}, "PNG").format.views_format = "INDIVIDUAL"


@_maker
def nodes_stereo_combined(scene: Any) -> None:
    tree = _Tree(scene)
    _stereo(scene, "STEREO_3D", "SIDEBYSIDE")
    tree.output("Eyes", {"eye": tree.image}, "PNG").format.views_format = "STEREO_3D"


@_maker
def nodes_stereo_multilayer(scene: Any) -> None:
    tree = _Tree(scene)
    _stereo(scene, "INDIVIDUAL")
    node = tree.output("Eyes", {"eye": tree.image}, "OPEN_EXR_MULTILAYER")
    node.format.views_format = "MULTIVIEW"


@_maker
def nodes_cropped(scene: Any) -> None:
    crop(scene)
    tree = _Tree(scene)
    tree.output("Passes", {"a": tree.image, "b": tree.image}, "OPEN_EXR")


@_maker
def nodes_off(scene: Any) -> None:
    tree = _Tree(scene)
    tree.output("Passes", {"a": tree.image})
    scene.render.use_compositing = False


@_maker
def nodes_unused(scene: Any) -> None:
    tree = _Tree(scene)
    tree.output("Passes", {"a": tree.image})
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = None
    else:
        scene.use_nodes = False


@_maker
def nodes_behind_the_sequencer(scene: Any) -> None:
    tree = _Tree(scene)
    tree.output("Passes", {"a": tree.image})
    sequencer(scene)


@_maker
def composited_smaller(scene: Any) -> None:
    """Half as large, by the compositor."""
    tree = _Tree(scene)
    node = tree.new("Scale", tree.image)
    for name in ("X", "Y"):
        if name in node.inputs:
            node.inputs[name].default_value = 0.5
    tree.link(node.outputs["Image"], tree.end.inputs[0])


@_maker
def composited_cropped(scene: Any) -> None:
    """What the compositor gives has a size of its own."""
    tree = _Tree(scene)
    node = tree.new("Crop", tree.image)
    if "Width" in node.inputs:  # 5.x
        node.inputs["Width"].default_value, node.inputs["Height"].default_value = 11, 9
        if "Alpha Crop" in node.inputs:
            node.inputs["Alpha Crop"].default_value = False
    else:
        node.use_crop_size = True
        node.min_x, node.max_x, node.min_y, node.max_y = 3, 14, 12, 3
    tree.link(node.outputs["Image"], tree.end.inputs[0])
    tree.output("Passes", {"cropped": node.outputs["Image"]})


@_maker
def nodes_of_one_name(scene: Any) -> None:
    """Slots of which one is the beginning of the other, after a name that they share (from 5.0 on)."""
    tree = _Tree(scene)
    names = {"a": tree.image, "a_##": tree.image, "layer_##_of_###": tree.image}
    node = tree.output("Passes", names)
    if hasattr(node, "file_name"):
        node.file_name = "shot_"
    node = tree.output("Layers", {"a": tree.image}, "OPEN_EXR_MULTILAYER")
    if hasattr(node, "file_name"):
        node.file_name = "sub/shot_##_"


@_maker
def nodes_in_both_eyes_of_one(scene: Any) -> None:
    nodes_stereo(scene)
    scene.render.views["right"].use = False


@_maker
def composited_from_nothing(scene: Any) -> None:
    """A single colour is the whole picture."""
    tree = _Tree(scene)
    tree.link(tree.new("RGB").outputs[0], tree.end.inputs[0])


@_maker
def composited_without_end(scene: Any) -> None:
    """Only a File Output node, as of old."""
    tree = _Tree(scene)
    tree.output("Passes", {"a": tree.image})
    tree.tree.nodes.remove(tree.end)


@_maker
def video(scene: Any) -> None:
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"


def main(folder: str) -> None:
    import bpy

    for name, maker in _MAKERS.items():
        scene = a_scene()
        try:
            maker(scene)
        except TypeError as error:
            if "enum" not in str(error):
                raise
            print(name, error)  # this Blender has no such format
            continue
        bpy.ops.wm.save_as_mainfile(filepath=str(Path(folder, f"{name}.blend")))
    sys.stdout.flush()
    os._exit(0)
