"""Which files one frame of a scene will write, as far as that is certain.

Whatever is demanded here and does not come fails a frame: when in doubt, it is not demanded.
"""

import ctypes
from collections.abc import Iterator
from typing import Any

from . import cameras, outputs
from .names import safe_suffix

_STEREO_VIEWS = {"left", "right"}
# Nodes that give a picture when their first input, or any one where there is no "Image", is one.
_PASSING_ON = {
    "ALPHAOVER",
    "BLUR",
    "BRIGHTCONTRAST",
    "COLORBALANCE",
    "COLORCORRECTION",
    "CONVERT_COLORSPACE",
    "CURVE_RGB",
    "DENOISE",
    "DESPECKLE",
    "EXPOSURE",
    "FILTER",
    "GAMMA",
    "GLARE",
    "HUE_SAT",
    "INVERT",
    "LENSDIST",
    "PREMULKEY",
    "SETALPHA",
    "TONEMAP",
}


def describe(scene: Any) -> "dict[str, Any]":
    """The main picture and what File Output nodes write. The options must have been applied."""
    return {"main": _main(scene), "node_files": list(_node_files(scene))}


def _main(scene: Any) -> "dict[str, Any]":
    render, settings = scene.render, scene.render.image_settings
    suffixes = _suffixes(scene, settings)
    width, height = _size(scene)
    combined = len(_views(scene)) > 1 and settings.views_format == "STEREO_3D"
    if combined and not settings.stereo_3d_format.use_squeezed_frame:
        mode = settings.stereo_3d_format.display_mode
        width *= 2 if mode == "SIDEBYSIDE" else 1
        height *= 2 if mode == "TOPBOTTOM" else 1
    certain = not cameras.sequencer_renders(scene)
    return {
        "suffixes": sorted(suffixes),
        "extension": render.file_extension,
        "file_format": settings.file_format,
        "color_depth": int(settings.color_depth) if certain else 0,
        "multilayer": certain and settings.file_format == "OPEN_EXR_MULTILAYER",
        "width": width,
        "height": height,
    }


def _views(scene: Any) -> "list[str]":
    """Suffixes of the views that render; none when there is only the one of the camera."""
    render = scene.render
    if not render.use_multiview:
        return []
    wanted = [view for view in render.views if view.use]
    if render.views_format == "STEREO_3D":
        wanted = [view for view in wanted if view.name in _STEREO_VIEWS]
    return [safe_suffix(view.file_suffix) for view in wanted]


def _suffixes(scene: Any, settings: Any) -> "set[str]":
    """What the names of a picture's files end with; nothing when it is not certain that there is any."""
    views = _views(scene)
    is_exr = settings.file_format.startswith("OPEN_EXR")
    if len(views) < 2:  # with or without the suffix of a single view: that changed after 3.4
        return set() if views else {""}
    if settings.views_format == "INDIVIDUAL":
        return set(views)
    if settings.views_format == "MULTIVIEW":
        return {""} if is_exr and not cameras.sequencer_renders(scene) else set()
    return {""} if not is_exr else set()


def _size(scene: Any) -> "tuple[int, int]":
    """Width and height of the render in pixels; zeros when they are not certain."""
    render = scene.render
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    if not (render.use_border and render.use_crop_to_border):
        return width, height
    if cameras.sequencer_renders(scene):
        return 0, 0
    return (
        _edge(render.border_max_x, width) - _edge(render.border_min_x, width),
        _edge(render.border_max_y, height) - _edge(render.border_min_y, height),
    )


def _edge(fraction: float, pixels: int) -> int:
    """Rounded down after a multiplication in single precision, as Blender does it."""
    return int(ctypes.c_float(fraction * pixels).value)


def _node_files(scene: Any) -> "Iterator[dict[str, Any]]":
    tree = cameras.compositor_of(scene)
    if tree is None or not scene.render.use_compositing or cameras.sequencer_renders(scene):
        return
    if _mutes_by_animation(tree):
        return
    for node, folder in outputs.file_output_nodes():
        if node.id_data != tree or node.mute:
            continue
        for stem, settings in _written(node, scene):
            suffixes = _suffixes(scene, settings)
            if suffixes:
                yield {"node": node.name, "folder": folder, "stem": stem, "count": len(suffixes)}


def _written(node: Any, scene: Any) -> "Iterator[tuple[str, Any]]":
    """(path below the node's folder, format) of each file that certainly comes; `#` is the frame."""
    linked = [any(_is_picture(link, scene) for link in socket.links) for socket in node.inputs]
    if node.format.file_format == "OPEN_EXR_MULTILAYER":
        if any(linked):
            yield outputs.layers_name(node), node.format
        return
    for slot, certain in zip(outputs.slots(node), linked, strict=False):
        if certain:
            own = outputs.has_own_format(slot)
            yield outputs.slot_path(node, slot), slot.format if own else node.format


def _is_picture(link: Any, scene: Any, depth: int = 0) -> bool:
    """Whether what comes through a link is a picture, not a single value: of that no file is made."""
    node, socket = link.from_node, link.from_socket
    if depth > 50 or not link.is_valid or link.is_muted or not socket.enabled:
        return False
    if node.type == "REROUTE":
        return any(_is_picture(before, scene, depth + 1) for before in node.inputs[0].links)
    if node.mute:
        return False
    if node.type == "R_LAYERS":
        layer = node.scene.view_layers.get(node.layer) if node.scene == scene else None
        passes = {"Image", "Depth", "Normal"} if scene.render.engine == "CYCLES" else {"Image"}
        return layer is not None and layer.use and socket.name in passes
    if node.type not in _PASSING_ON or "Image" not in node.inputs:
        return False
    return any(_is_picture(before, scene, depth + 1) for before in node.inputs["Image"].links)


def _mutes_by_animation(tree: Any) -> bool:
    data = tree.animation_data
    if data is None:
        return False
    curves = [*data.drivers, *(getattr(data.action, "fcurves", ()) if data.action else ())]
    return bool(data.nla_tracks) or any("mute" in curve.data_path for curve in curves)
