"""Small scenes for tests, made with Blender in a process of their own.

Importing bpy into the tests is slow and it may crash: `scene_file("cloth")` makes all scenes in
child processes at its first call and keeps them until the tests end.
"""

import atexit
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.blender_children import run_in_blender

# Blender may crash when it lets go of one of these: each is made in a process of its own.
_RISKY = {"fluid"}
_MAKERS: dict[str, Callable[[], None]] = {}


def scene_file(name: str) -> Path:
    """The .blend of that name (a maker below). Do not write beside it: copy it first."""
    path = _folder() / f"{name}.blend"
    assert path.is_file(), f"no scene {name}: {sorted(p.name for p in _folder().iterdir())}"
    return path


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="farm-scenes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for batch in ("harmless", *sorted(_RISKY)):
        run_in_blender("tests.support.scenes", str(folder), batch)
    _put_on_disk(folder / "rigid_on_disk.blend")
    return folder


def _maker(function: Callable[[], None]) -> Callable[[], None]:
    _MAKERS[function.__name__] = function
    return function


def _bpy() -> Any:
    import bpy

    return bpy


def base_scene(camera: bool = True) -> Any:
    """A cube that moves along x before a grey world, 32×32, Cycles with one sample."""
    bpy = _bpy()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False  # as many samples as are asked for
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.image_settings.file_format = "PNG"
    scene.frame_start, scene.frame_end = 1, 6
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.2, 0.2, 0.2)
    if camera:
        scene.camera = _add_camera(scene, "Camera", (0, -8, 1))
    bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.3, 0))
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    for frame, x in ((1, -2), (6, 2)):
        cube.location.x = x
        cube.keyframe_insert("location", frame=frame)
    return scene


def _add_camera(scene: Any, name: str, location: tuple[float, float, float]) -> Any:
    bpy = _bpy()
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    camera.location, camera.rotation_euler = location, (1.5, 0, 0)
    scene.collection.objects.link(camera)
    return camera


@_maker
def plain() -> None:
    scene = base_scene()
    scene.render.filepath = "Z:\\show\\shot_"
    scene.frame_set(3)


@_maker
def saved_as_gpu() -> None:
    """As many a shared scene is, whatever its owner has by now."""
    base_scene().cycles.device = "GPU"


@_maker
def two_scenes() -> None:
    scene = base_scene()
    _add_camera(scene, "Far", (0, -30, 1))
    other = scene.copy()
    other.name = "Second"
    other.frame_end = 77
    other.use_fake_user = True  # else it is not saved


@_maker
def no_camera() -> None:
    base_scene(camera=False)


@_maker
def inactive_camera() -> None:
    scene = base_scene(camera=False)
    _add_camera(scene, "Spare", (0, -8, 1))


@_maker
def marker_camera() -> None:
    """The first frames from near, from frame 3 on from behind the horizon."""
    scene = base_scene()
    for name, frame, y in (("Near", 1, -6.0), ("Far", 3, -40.0)):
        marker = scene.timeline_markers.new(name, frame=frame)
        marker.camera = _add_camera(scene, name, (0, y, 1))


@_maker
def file_output() -> None:
    """Two nodes, in the tree and in a group, that write far outside of any folder."""
    bpy = _bpy()
    scene = base_scene()
    scene.use_nodes = True
    tree = scene.node_tree
    layers = next(node for node in tree.nodes if node.type == "R_LAYERS")
    node = tree.nodes.new("CompositorNodeOutputFile")
    node.name = "../Passes/main"
    node.base_path = "/farm_escape_absolute"
    node.file_slots[0].path = "../../farm_escape/image_###"
    tree.links.new(layers.outputs["Image"], node.inputs[0])
    group = bpy.data.node_groups.new("Inner", "CompositorNodeTree")
    group.interface.new_socket("Image", in_out="INPUT", socket_type="NodeSocketColor")
    start, inner = group.nodes.new("NodeGroupInput"), group.nodes.new("CompositorNodeOutputFile")
    inner.name = "0001.png"
    inner.base_path = "Z:\\farm_escape"
    group.links.new(start.outputs[0], inner.inputs[0])
    user = tree.nodes.new("CompositorNodeGroup")
    user.node_tree = group
    tree.links.new(layers.outputs["Image"], user.inputs[0])


@_maker
def stereo() -> None:
    scene = base_scene()
    scene.render.use_multiview = True
    scene.render.views_format = "STEREO_3D"
    scene.render.image_settings.views_format = "INDIVIDUAL"


@_maker
def video() -> None:
    base_scene().render.image_settings.file_format = "FFMPEG"


@_maker
def jpeg() -> None:
    base_scene().render.image_settings.file_format = "JPEG"


def _drive(owner: Any, path: str, index: int, expression: str, variable: bool = False) -> None:
    driver = owner.driver_add(path, index).driver
    if variable:
        item = driver.variables.new()
        item.name = "var"
        item.targets[0].id = owner
        item.targets[0].data_path = "scale.x"
    driver.expression = expression


@_maker
def script_drivers() -> None:
    """One driver of each place that a list could forget; the hidden object is never tried."""
    bpy = _bpy()
    scene = base_scene()
    cube = bpy.data.objects["Cube"]
    _drive(cube, "rotation_euler", 0, "self.location.x")
    cube.shape_key_add(name="Basis")
    cube.shape_key_add(name="Key").driver_add("value").driver.expression = "bpy.app.version[0]"
    material = bpy.data.materials.new("Paint")
    material.use_nodes = True
    cube.data.materials.append(material)
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].driver_add("default_value").driver.expression = "my_function(frame)"
    scene.world.use_nodes = True
    sky = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    sky.inputs["Strength"].driver_add("default_value").driver.expression = "depsgraph.mode"
    hidden = bpy.data.objects.new("Hidden", None)
    hidden.hide_render = hidden.hide_viewport = True
    scene.collection.objects.link(hidden)
    _drive(hidden, "location", 2, "bpy.data.objects[0].location.x")
    bpy.ops.object.armature_add()
    rig = bpy.context.object
    rig.name = "Rig"
    rig.pose.bones[0].driver_add("location", 0).driver.expression = "rig_function()"


@_maker
def simple_drivers() -> None:
    bpy = _bpy()
    base_scene()
    cube = bpy.data.objects["Cube"]
    _drive(cube, "rotation_euler", 0, "frame * 0.1")
    _drive(cube, "rotation_euler", 1, "var**2 if var > 0 else sin(frame)", variable=True)
    _drive(cube, "rotation_euler", 2, "max(1, 2) + pi")
    _drive(cube, "location", 2, "min(clamp(frame), 0.5)")


@_maker
def registered_text() -> None:
    base_scene()
    text = _bpy().data.texts.new("rig_ui.py")
    text.write("import bpy\n")
    text.use_module = True


@_maker
def fluid() -> None:
    bpy = _bpy()
    base_scene()
    bpy.ops.mesh.primitive_cube_add(size=4)
    bpy.context.object.name = "Tank"
    bpy.context.object.modifiers.new("Fluid", "FLUID").fluid_type = "DOMAIN"


@_maker
def cloth() -> None:
    """A sheet falls onto a ball, then a box that is rigid; nothing is baked."""
    bpy = _bpy()
    scene = base_scene()
    scene.frame_end = 14
    bpy.data.objects["Cube"].hide_render = True
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=10, y_subdivisions=10, size=4, location=(-1, 0, 1.5))
    sheet = bpy.context.object
    sheet.name = "Sheet"
    modifier = sheet.modifiers.new("Cloth", "CLOTH")
    modifier.settings.time_scale = 3
    modifier.point_cache.frame_end = 250
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, location=(-1, 0, 0), segments=12, ring_count=8)
    bpy.context.object.modifiers.new("Collision", "COLLISION")
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(2, 0, 2.5))
    bpy.context.object.name = "Box"
    bpy.ops.rigidbody.object_add()


@_maker
def hidden_collider() -> None:
    """The ball that the sheet falls onto is not rendered: a helper, as artists often use."""
    cloth()
    _bpy().data.objects["Sphere"].hide_render = True


@_maker
def shelved_cloth() -> None:
    """A moving cube, and a cloth in a collection that no view layer shows."""
    bpy = _bpy()
    scene = base_scene()
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    bpy.ops.mesh.primitive_grid_add()
    sheet = bpy.context.object
    sheet.modifiers.new("Cloth", "CLOTH")
    shelf.objects.link(sheet)
    scene.collection.objects.unlink(sheet)
    bpy.context.view_layer.layer_collection.children["Shelf"].exclude = True


@_maker
def rigid_on_disk() -> None:
    """A rigid body in memory; `_put_on_disk` changes the file (setting it in Blender crashes)."""
    bpy = _bpy()
    base_scene()
    bpy.ops.rigidbody.object_add()


def _put_on_disk(path: Path) -> None:
    from blender_asset_tracer import blendfile

    disk_cache = 1 << 6  # PTCACHE_DISK_CACHE in Blender's DNA_object_force_types.h
    with blendfile.BlendFile(path, mode="r+b") as blend:
        caches = [block for block in blend.blocks if block.dna_type_name == "PointCache"]
        assert caches
        for cache in caches:
            cache.set(b"flag", cache.get(b"flag") | disk_cache)


@_maker
def lost_cache() -> None:
    """Says that it is baked to disk, but the folder with the cache did not come along."""
    bpy = _bpy()
    cloth()
    cache = bpy.data.objects["Sheet"].modifiers["Cloth"].point_cache
    cache.frame_end = 5
    bpy.ops.wm.save_as_mainfile(filepath=bpy.app.tempdir + "lost_cache.blend")
    cache.use_disk_cache = True
    with bpy.context.temp_override(point_cache=cache):
        bpy.ops.ptcache.bake(bake=True)
    assert cache.is_baked


def main(folder: str, batch: str) -> None:
    bpy = _bpy()
    names = [batch] if batch in _RISKY else [name for name in _MAKERS if name not in _RISKY]
    for name in names:
        _MAKERS[name]()
        bpy.ops.wm.save_as_mainfile(filepath=str(Path(folder, f"{name}.blend")))
    sys.stdout.flush()
    os._exit(0)
