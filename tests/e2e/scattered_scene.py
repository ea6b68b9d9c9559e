"""Make a project that is scattered over folders, and render it at home: `python scattered_scene.py FOLDER`.

The scene lies in `film`. It shows four squares side by side: one that is linked from a library in another
folder, which has a texture in a third; one with UDIM tiles; one with an image sequence; one that an Alembic
cache moves. A text below has a font of its own. Its frames are in `home`, rendered before the folder moves.

A child's work: bpy is heavy and global.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy

FRAMES = (1, 2, 3)
RED, GREEN, BLUE, YELLOW = (1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (1, 1, 0, 1)
Colour = tuple[float, float, float, float]


def main(folder: str) -> None:
    root = Path(folder)
    library = _library(root)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    film = root / "film ä/scene.blend"
    film.parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(film))
    _settings(scene)
    with bpy.data.libraries.load(str(library), link=True, relative=True) as (_, wanted):
        wanted.objects = ["Chair"]
    scene.collection.objects.link(wanted.objects[0])
    _tiles(root)
    _sequence(root)
    _cached(root)
    _title(root)
    bpy.ops.wm.save_mainfile(compress=True)
    for frame in FRAMES:
        scene.frame_set(frame)
        scene.render.filepath = str(root / f"home/{frame:04d}.png")
        bpy.ops.render.render(write_still=True)


def _settings(scene: Any) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 4, False
    scene.render.resolution_x, scene.render.resolution_y = 80, 40
    scene.frame_start, scene.frame_end = FRAMES[0], FRAMES[-1]
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.cameras.new("Camera")
    camera.type, camera.ortho_scale = "ORTHO", 8
    scene.camera = bpy.data.objects.new("Camera", camera)
    scene.camera.location = (0, 0, 5)
    scene.collection.objects.link(scene.camera)


def _library(root: Path) -> Path:
    """A chair with a texture that lies beside neither the scene nor the library."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    path = root / "library/props/chair.blend"
    path.parent.mkdir(parents=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    image = _image(root / "library/maps/wood.png", RED)
    image.filepath = "//../maps/wood.png"
    _square("Chair", -3, image)
    bpy.ops.wm.save_mainfile(compress=True)
    return path


def _tiles(root: Path) -> None:
    """By an absolute path, in two tiles of which each has half of the square."""
    first = _image(root / "tiles/wood.1001.png", GREEN)
    bpy.data.images.remove(_image(root / "tiles/wood.1002.png", BLUE))
    first.source = "TILED"
    first.filepath = str(root / "tiles/wood.<UDIM>.png")
    first.tiles.new(1002)
    _square("Tiles", -1, first, uv_width=2)


def _sequence(root: Path) -> None:
    """With another colour in each frame, by a path as Windows writes it. Wood has this name, too."""
    for number in FRAMES:
        bpy.data.images.remove(_image(root / f"fire/wood_{number:04d}.png", (number / 4, 0, 1, 1)))
    image = bpy.data.images.load(str(root / "fire/wood_0001.png"))
    image.source = "SEQUENCE"
    image.filepath = "//..\\fire\\wood_0001.png"
    user = _square("Fire", 1, image)
    user.frame_duration, user.use_auto_refresh = len(FRAMES), True


def _cached(root: Path) -> None:
    """Its mesh moves, and only the cache knows it."""
    path = root / "caches/moving.abc"
    path.parent.mkdir()
    image = _image(root / "maps/yellow.png", YELLOW)
    image.filepath = str(root / "maps/yellow.png")
    _square("Cached", 3, image)
    item = bpy.data.objects["Cached"]
    item.shape_key_add(name="Basis")
    key = item.shape_key_add(name="Up")
    for point in key.data:
        point.co.y += 1
    for frame, value in ((FRAMES[0], 0.0), (FRAMES[-1], 1.0)):
        key.value = value
        key.keyframe_insert("value", frame=frame)
    bpy.ops.object.select_all(action="DESELECT")
    item.select_set(True)
    bpy.ops.wm.alembic_export(
        filepath=str(path), selected=True, start=FRAMES[0], end=FRAMES[-1], as_background_job=False
    )
    item.shape_key_clear()
    before = set(bpy.data.objects)
    bpy.ops.wm.alembic_import(filepath=str(path), as_background_job=False, is_sequence=False)
    for other in set(bpy.data.objects) - before:
        bpy.data.objects.remove(other)
    cache = item.modifiers.new("Cache", "MESH_SEQUENCE_CACHE")
    cache.cache_file = bpy.data.cache_files[0]
    cache.cache_file.filepath = str(path)
    cache.object_path = "/Cached/Cached"
    cache.read_data = {"VERT"}


def _title(root: Path) -> None:
    fonts = Path(bpy.utils.system_resource("DATAFILES", path="fonts"))
    path = root / "fonts/title.woff2"
    path.parent.mkdir()
    shutil.copy(next(font for font in sorted(fonts.glob("*.woff2")) if "Mono" in font.name), path)
    text = bpy.data.curves.new("Title", "FONT")
    text.body, text.size, text.font = "MmWw", 1.2, bpy.data.fonts.load(str(path))
    item = bpy.data.objects.new("Title", text)
    item.location = (-2, -1.9, 0.5)
    text.materials.append(_shown("Title", None)[0])
    bpy.context.scene.collection.objects.link(item)


def _image(path: Path, colour: Colour) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = bpy.data.images.new(path.name, 4, 4)
    image.pixels = colour * 16
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    image.source = "FILE"
    return image


def _square(name: str, x: float, image: Any, uv_width: float = 1) -> Any:
    """Its image user."""
    mesh = bpy.data.meshes.new(name)
    corners = [(x - 0.9, -0.9, 0), (x + 0.9, -0.9, 0), (x + 0.9, 0.9, 0), (x - 0.9, 0.9, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new()
    for loop, uv in zip(layer.data, ((0, 0), (uv_width, 0), (uv_width, 1), (0, 1)), strict=True):
        loop.uv = uv
    material, user = _shown(name, image)
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))
    return user


def _shown(name: str, image: Any) -> tuple[Any, Any]:
    """A material that gives off the picture, or white."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    light, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(light.outputs[0], output.inputs["Surface"])
    if image is None:
        return material, None
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    tree.links.new(texture.outputs["Color"], light.inputs["Color"])
    return material, texture.image_user


if __name__ == "__main__":
    main(sys.argv[-1])
    sys.stdout.flush()
    os._exit(0)  # some versions of bpy hang when they are taken down
