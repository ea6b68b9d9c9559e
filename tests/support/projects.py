"""Small projects with files beside the .blend, each in a folder of its own.

`project("everything")` makes all of them in a child process at its first call and keeps them until
the tests end; with `blender` they are made by another Blender than this Python's, in its own format.
"""

import atexit
import functools
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.blender_children import run_in_blender

_MAKERS: dict[str, Callable[[], None]] = {}


def project(name: str, blender: str = sys.executable) -> Path:
    """The folder of that project, with scene.blend in it. Do not change it: copy it first."""
    path = _folder(blender) / name
    assert (path / "scene.blend").is_file(), f"no project {name}: {sorted(_MAKERS)}"
    return path


@functools.cache
def _folder(blender: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="farm-projects-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run_in_blender("tests.support.projects", str(folder), blender=blender)
    return folder


def main(folder: str) -> None:
    """Makes all projects; runs inside Blender."""
    for module in ("project_with_everything", "projects_of_one_kind"):
        importlib.import_module(f"tests.support.{module}")
    bpy = blender_module()
    for name, make in _MAKERS.items():
        Path(folder, name).mkdir()
        os.chdir(Path(folder, name))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(Path("scene.blend").absolute()))  # // has a meaning now
        make()
        bpy.ops.wm.save_mainfile(compress=False)
    sys.stdout.flush()
    os._exit(0)


def maker(function: Callable[[], None]) -> Callable[[], None]:
    """A function that fills an empty file and its folder, the working directory."""
    _MAKERS[function.__name__] = function
    return function


def blender_module() -> Any:
    import bpy

    return bpy


def small_scene() -> Any:
    """A camera, frames 1 to 6, 16×16, Cycles with one sample."""
    bpy = blender_module()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.frame_start, scene.frame_end = 1, 6
    scene.camera = add("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.location = (0, 0, 6)
    return scene


def add(name: str, data: Any) -> Any:
    bpy = blender_module()
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    return item


def plane(name: str = "Plane") -> Any:
    bpy = blender_module()
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    return add(name, mesh)


def nodes_of(owner: Any) -> Any:
    """The node tree of a material, world or light."""
    if blender_module().app.version < (5, 0):
        owner.use_nodes = True
    return owner.node_tree


def put(path: str, content: bytes = b"not looked into") -> str:
    """A file of the project; returns the path as Blender stores it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)
    return f"//{path}"


def picture(path: str) -> str:
    bpy = blender_module()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image = bpy.data.images.new("saved", 4, 4)
    image.filepath_raw, image.file_format = str(Path(path).absolute()), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return f"//{path}"


def image_of(name: str, path: str, source: str = "FILE") -> Any:
    image = blender_module().data.images.new(name, 4, 4)
    image.source = source
    image.filepath = path
    return image


def textured(tree: Any, image: Any, kind: str = "ShaderNodeTexImage") -> Any:
    """An image node that leads to the surface."""
    node = tree.nodes.new(kind)
    node.image = image
    shader = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(node.outputs[0], shader.inputs[0])
    output = next(n for n in tree.nodes if n.type in {"OUTPUT_MATERIAL", "OUTPUT_WORLD", "OUTPUT_LIGHT"})
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return node


def with_picture(item: Any, image: Any) -> Any:
    """A plane's material with the image; returns the image node."""
    material = blender_module().data.materials.new(f"{image.name} material")
    item.data.materials.append(material)
    return textured(nodes_of(material), image)


def over_the_render(scene: Any, image: Any) -> None:
    """The picture over the render, so that it cannot be left out."""
    bpy = blender_module()
    if hasattr(scene, "compositing_node_group"):
        tree = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        output = tree.nodes.new("NodeGroupOutput")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
        tree.nodes.clear()
        output = tree.nodes.new("CompositorNodeComposite")
    node = tree.nodes.new("CompositorNodeImage")
    node.image = image
    over, layers = tree.nodes.new("CompositorNodeAlphaOver"), tree.nodes.new("CompositorNodeRLayers")
    colours = [socket for socket in over.inputs if socket.type == "RGBA"]
    tree.links.new(layers.outputs["Image"], colours[0])
    tree.links.new(node.outputs["Image"], colours[1])
    tree.links.new(over.outputs[0], output.inputs[0])
