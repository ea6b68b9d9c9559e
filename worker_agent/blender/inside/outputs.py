"""Where a frame's files go: all of them into the farm's folder, none to the author's paths."""

from pathlib import Path
from typing import Any

import bpy

from . import cameras
from .names import last_part, safe_name, safe_path, safe_suffix, unique

_VIDEO = {"FFMPEG", "AVI_JPEG", "AVI_RAW"}


def replace_video_container(scene: Any, notes: "list[str]") -> None:
    """A video has no single frames: PNG instead, with the scene's colours as they are."""
    settings = scene.render.image_settings
    if settings.file_format not in _VIDEO:
        return
    notes.append(f"The video format {settings.file_format} is replaced by a sequence of PNG files.")
    if hasattr(settings, "media_type"):  # from 5.0 it decides which formats there are
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"


def redirect(scene: Any, output: Path) -> None:
    """Sends the main picture to `output/0001.…` and each File Output node to a folder there."""
    render = scene.render
    render.use_file_extension = True
    render.use_overwrite = True  # otherwise a leftover file is skipped and called finished
    render.use_placeholder = False
    render.filepath = f"{output}/####"
    for view in render.views:
        view.file_suffix = safe_suffix(view.file_suffix)
    for node, folder in file_output_nodes():
        _redirect_node(node, output / folder)


def file_output_nodes() -> "list[tuple[Any, str]]":
    """Every File Output node with the name of its folder, the same at every call."""
    used: set[str] = set()
    nodes = [node for tree in _compositor_trees() for node in tree.nodes]
    found = [node for node in nodes if node.bl_idname == "CompositorNodeOutputFile"]
    return [(node, unique(safe_name(node.name), used)) for node in found]


def slots(node: Any) -> "list[Any]":
    """What the node writes, one for each of its inputs."""
    return list(node.file_output_items if hasattr(node, "file_output_items") else node.file_slots)


def has_own_format(slot: Any) -> bool:
    """Whether it is not the node's format that counts."""
    if hasattr(slot, "override_node_format"):  # 5.x
        return bool(slot.override_node_format)
    return not slot.use_node_format


def slot_path(node: Any, slot: Any) -> str:
    """A slot's file below the node's folder, without view and extension; `#` is the frame."""
    if hasattr(node, "directory"):  # 5.x
        return safe_path(node.file_name) + safe_path(slot.name)
    return safe_path(slot.path)


def layers_name(node: Any) -> str:
    """The same of the one file of all layers."""
    if hasattr(node, "directory"):  # 5.x
        return safe_path(node.file_name)
    return safe_name(last_part(node.base_path)) or "layers"


def _compositor_trees() -> "list[Any]":
    """Every tree a scene may run, and all groups: a path that is missed escapes the folder."""
    trees = [cameras.compositor_of(scene) for scene in bpy.data.scenes]
    trees += [scene.node_tree for scene in bpy.data.scenes if hasattr(scene, "node_tree")]
    trees += [group for group in bpy.data.node_groups if group.bl_idname == "CompositorNodeTree"]
    return list({tree.as_pointer(): tree for tree in trees if tree is not None}.values())


def _redirect_node(node: Any, folder: Path) -> None:
    if hasattr(node, "directory"):  # 5.x
        node.directory = f"{folder}/"
        node.file_name = safe_path(node.file_name)
        for item in node.file_output_items:
            item.name = safe_path(item.name)
        return
    if node.format.file_format == "OPEN_EXR_MULTILAYER":  # here the path is the file itself
        node.base_path = f"{folder}/{layers_name(node)}"
        return
    node.base_path = f"{folder}/"
    for slot in node.file_slots:
        slot.path = safe_path(slot.path)
