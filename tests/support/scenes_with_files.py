"""Small projects with files beside the .blend, each in a folder of its own.

`project("everything")` makes all of them in a child process at its first call and keeps them until
the tests end; with `blender` they are made by another Blender than this Python's, in its own format.
"""

import atexit
import functools
import os
import shutil
import sys
import tempfile
import wave
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
    run_in_blender("tests.support.scenes_with_files", str(folder), blender=blender)
    return folder


def main(folder: str) -> None:
    """Makes all projects; runs inside Blender."""
    bpy = _bpy()
    for name, maker in _MAKERS.items():
        Path(folder, name).mkdir()
        os.chdir(Path(folder, name))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(Path("scene.blend").absolute()))  # // has a meaning now
        maker()
        bpy.ops.wm.save_mainfile(compress=False)
    sys.stdout.flush()
    os._exit(0)


def _maker(function: Callable[[], None]) -> Callable[[], None]:
    _MAKERS[function.__name__] = function
    return function


def _bpy() -> Any:
    import bpy

    return bpy


def _scene() -> Any:
    """A camera, frames 1 to 6, 16×16, Cycles with one sample."""
    bpy = _bpy()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.frame_start, scene.frame_end = 1, 6
    scene.camera = _add("Camera", bpy.data.cameras.new("Camera"))
    scene.camera.location = (0, 0, 6)
    return scene


def _add(name: str, data: Any) -> Any:
    bpy = _bpy()
    item = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(item)
    return item


def _plane(name: str = "Plane") -> Any:
    bpy = _bpy()
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    return _add(name, mesh)


def _nodes(owner: Any) -> Any:
    """The node tree of a material, world or light."""
    if _bpy().app.version < (5, 0):
        owner.use_nodes = True
    return owner.node_tree


def _put(path: str, content: bytes = b"not looked into") -> str:
    """A file of the project; returns the path as Blender stores it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)
    return f"//{path}"


def _picture(path: str) -> str:
    bpy = _bpy()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    image = bpy.data.images.new("saved", 4, 4)
    image.filepath_raw, image.file_format = str(Path(path).absolute()), "PNG"
    image.save()
    bpy.data.images.remove(image)
    return f"//{path}"


def _image(name: str, path: str, source: str = "FILE") -> Any:
    image = _bpy().data.images.new(name, 4, 4)
    image.source = source
    image.filepath = path
    return image


def _texture(tree: Any, image: Any, kind: str = "ShaderNodeTexImage") -> Any:
    """An image node that leads to the surface."""
    node = tree.nodes.new(kind)
    node.image = image
    shader = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(node.outputs[0], shader.inputs[0])
    output = next(n for n in tree.nodes if n.type in {"OUTPUT_MATERIAL", "OUTPUT_WORLD", "OUTPUT_LIGHT"})
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return node


def _material(item: Any, image: Any) -> Any:
    """A plane's material with the image; returns the image node."""
    material = _bpy().data.materials.new(f"{image.name} material")
    item.data.materials.append(material)
    return _texture(_nodes(material), image)


def _sequence(folder: str, numbers: "range", name: str, path: str) -> Any:
    for number in numbers:
        _put(f"{folder}/fire_{number:04d}.png")
    return _image(name, path, "SEQUENCE")


@_maker
def everything() -> None:
    """One file of each kind, all in the folder `files`."""
    bpy = _bpy()
    scene = _scene()
    scene.world = bpy.data.worlds.new("World")
    _texture(_nodes(scene.world), _image("Sky", _picture("files/sky.png")), "ShaderNodeTexEnvironment")
    _material(_plane("Wood"), _image("Wood", _picture("files/wood.png")))
    fire = _sequence("files/fire", range(1, 7), "Fire", "//files/fire/fire_0001.png")
    node = _material(_plane("Fire"), fire)
    node.image_user.frame_duration = 6
    _material(_plane("Movie"), _image("Movie", _put("files/movie.mp4"), "MOVIE"))
    tiles = _image("Tiles", "//files/tiles.<UDIM>.png", "TILED")
    tiles.tiles.new(1012)
    _material(_plane("Tiles"), tiles)
    for number in (1001, 1012):
        _picture(f"files/tiles.{number}.png")
    group = bpy.data.node_groups.new("Group", "ShaderNodeTree")
    inner = group.nodes.new("ShaderNodeTexImage")
    inner.image = _image("In a group", _picture("files/group.png"))
    group.links.new(inner.outputs[0], group.nodes.new("NodeGroupOutput").inputs[-1])
    _nodes(bpy.data.materials["Wood material"]).nodes.new("ShaderNodeGroup").node_tree = group
    texture = bpy.data.textures.new("Waves", "IMAGE")
    texture.image = _image("Waves", _picture("files/waves.png"))
    _plane("Sea").modifiers.new("Displace", "DISPLACE").texture = texture
    _text_and_sound()
    _caches()
    _imports()
    _light_with_files(scene)
    _compositor(scene, _image("Backdrop", _picture("files/backdrop.png")))


def _text_and_sound() -> None:
    bpy = _bpy()
    fonts = Path(bpy.utils.system_resource("DATAFILES", path="fonts"))
    shutil.copy(sorted(fonts.glob("*.woff2"))[0], "files/title.woff2")
    curve = bpy.data.curves.new("Title", "FONT")
    curve.font = bpy.data.fonts.load(str(Path("files/title.woff2").absolute()))
    curve.font.filepath = "//files/title.woff2"
    curve.font.name = "Title"
    _add("Title", curve)
    with wave.open("files/music.wav", "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(800))
    speaker = bpy.data.speakers.new("Speaker")
    speaker.sound = bpy.data.sounds.load(str(Path("files/music.wav").absolute()))
    speaker.sound.filepath = "//files/music.wav"
    _add("Speaker", speaker)


def _caches() -> None:
    bpy = _bpy()
    smoke = bpy.data.volumes.new("Smoke")
    smoke.filepath = _put("files/smoke/smoke_0003.vdb")
    smoke.is_sequence, smoke.frame_duration, smoke.frame_offset = True, 2, 2
    _put("files/smoke/smoke_0004.vdb")
    _add("Smoke", smoke)
    cloud = bpy.data.volumes.new("Cloud")
    cloud.filepath = _put("files/cloud.vdb")
    _add("Cloud", cloud)
    modifier = _plane("Cached").modifiers.new("Cache", "MESH_CACHE")
    modifier.filepath = _put("files/points.pc2")
    if not bpy.app.build_options.alembic:
        return
    path = str(Path("files/birds.abc").absolute())
    bpy.ops.wm.alembic_export(filepath=path, as_background_job=False, end=2)
    names = set(bpy.data.objects.keys())
    bpy.ops.wm.alembic_import(filepath=path, as_background_job=False, is_sequence=False)
    bpy.data.cache_files[0].filepath = "//files/birds.abc"
    bpy.data.cache_files[0].name = "Birds"
    for name in set(bpy.data.objects.keys()) - names:
        item = bpy.data.objects[name]
        if not any(getattr(m, "cache_file", None) for m in (*item.modifiers, *item.constraints)):
            bpy.data.objects.remove(item)
    if not any(any(getattr(m, "cache_file", None) for m in item.modifiers) for item in bpy.data.objects):
        cached = _plane("Birds").modifiers.new("Cache", "MESH_SEQUENCE_CACHE")
        cached.cache_file = bpy.data.cache_files[0]


def _imports() -> None:
    """A file that geometry nodes import, from Blender 4.5 on."""
    bpy = _bpy()
    if not hasattr(bpy.types, "GeometryNodeImportPLY"):
        return
    tree = bpy.data.node_groups.new("Scan", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    for path in ("files/scan.ply", "gone/loose.ply"):
        node = tree.nodes.new("GeometryNodeImportPLY")
        node.inputs["Path"].default_value = f"//{path}"
    tree.links.new(tree.nodes[0].outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
    tree.nodes[0].name = "Import"
    _put("files/scan.ply")
    _plane("Scan").modifiers.new("Scan", "NODES").node_group = tree


def _light_with_files(scene: Any) -> None:
    bpy = _bpy()
    light = bpy.data.lights.new("Lamp", "POINT")
    tree = _nodes(light)
    _add("Lamp", light)
    ies = tree.nodes.new("ShaderNodeTexIES")
    ies.mode, ies.filepath = "EXTERNAL", _put("files/lamp.ies")
    emission = next(node for node in tree.nodes if node.type == "EMISSION")
    tree.links.new(ies.outputs[0], emission.inputs["Strength"])
    scene.cycles.shading_system = True
    script = tree.nodes.new("ShaderNodeScript")
    script.mode, script.filepath = "EXTERNAL", _put("files/glow.osl", b"shader glow(output color c = 1) {}")
    script.outputs.new("NodeSocketColor", "color")  # as compiling it makes it, which not every Blender can
    tree.links.new(script.outputs[0], emission.inputs["Color"])


def _compositor(scene: Any, image: Any) -> None:
    """The picture over the render, so that it cannot be left out."""
    bpy = _bpy()
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


@_maker
def nothing_needed() -> None:
    """Nothing of what is missing here would ever be read."""
    bpy = _bpy()
    scene = _scene()

    def gone(name: str) -> Any:
        return _image(name, f"//gone/{name}.png")

    gone("of no use to anyone").use_fake_user = True
    unused = bpy.data.materials.new("Unused")
    unused.use_fake_user = True
    _texture(_nodes(unused), gone("of an unused material"))
    packed = _image("packed", _picture("gone/packed.png"))
    packed.pack()
    assert packed.source == "FILE"
    shutil.rmtree("gone")
    node = _material(_plane(), packed)
    tree = node.id_data
    loose, muted, unplugged = (tree.nodes.new("ShaderNodeTexImage") for _ in range(3))
    loose.image, muted.image, muted.mute = gone("of a loose node"), gone("of a muted node"), True
    unplugged.image = gone("behind a muted link")
    shader, output = (
        next(n for n in tree.nodes if n.type == kind) for kind in ("EMISSION", "OUTPUT_MATERIAL")
    )
    tree.links.new(muted.outputs[0], shader.inputs["Strength"])
    tree.links.new(unplugged.outputs[0], output.inputs["Displacement"]).is_muted = True
    _material(_plane("Never rendered"), gone("of a hidden object"))
    bpy.data.objects["Never rendered"].hide_render = True
    for name, setting in (("Excluded", "exclude"), ("Hidden", "hide_render")):
        shelf = bpy.data.collections.new(name)
        scene.collection.children.link(shelf)
        item = _plane(f"{name} item")
        _material(item, gone(f"of the collection {name}"))
        shelf.objects.link(item)
        scene.collection.objects.unlink(item)
        layer = bpy.context.view_layer.layer_collection.children[name]
        setattr(layer if setting == "exclude" else shelf, setting, True)
    reference = _add("Reference", None)
    reference.empty_display_type, reference.data = "IMAGE", gone("shown by an empty")
    background = scene.camera.data.background_images.new()
    background.image = gone("behind the camera")
    scene.tool_settings.image_paint.canvas = gone("to be painted on")
    if bpy.app.version < (5, 0):
        material = bpy.data.materials.new("Nodes off")
        _texture(_nodes(material), gone("of nodes that are off"))
        material.use_nodes = False
        _plane("Nodes off").data.materials.append(material)
    off = _plane("Modifier off").modifiers.new("Cache", "MESH_CACHE")
    off.filepath, off.show_render = "//gone/points.pc2", False
    generated = bpy.data.images.new("generated", 4, 4)
    generated.filepath = "//gone/generated.png"
    _material(_plane("Generated"), generated)
    other = bpy.data.scenes.new("Other")
    other.use_fake_user = True
    other.world = bpy.data.worlds.new("Other")
    _texture(_nodes(other.world), gone("of another scene"), "ShaderNodeTexEnvironment")
    scene.sequence_editor_create()  # without strips


@_maker
def sequences() -> None:
    """Files 3 to 6 and 11 to 13; counted in several ways."""
    _scene()
    for number in (3, 4, 5, 6, 11, 12, 13):
        _put(f"fire/fire_{number:04d}.png")
    for name, start, duration, offset, cyclic in (
        ("Straight", 1, 4, 2, False),  # 3 to 6, then 6
        ("Cyclic", 1, 3, 10, True),  # 11 to 13, again and again
        ("Late", 5, 2, 2, False),  # nothing before frame 5
    ):
        image = _image(name, "//fire/fire_0003.png", "SEQUENCE")
        user = _material(_plane(name), image).image_user
        user.frame_start, user.frame_duration, user.frame_offset = start, duration, offset
        user.use_cyclic = cyclic
    image = _image("Driven", "//fire/fire_0003.png", "SEQUENCE")
    node = _material(_plane("Driven"), image)
    node.image_user.frame_duration = 1000
    node.image_user.keyframe_insert("frame_offset", frame=1)


@_maker
def linked() -> None:
    """A library with a texture, which links from another, in folders of their own."""
    bpy = _bpy()
    here = Path.cwd()
    for folder, name in (("lib/deep", "Deep"), ("lib", "Near")):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        Path(folder).mkdir(parents=True, exist_ok=True)
        path = str(here / folder / f"{name.lower()}.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        item = _plane(name)
        _picture(f"{folder}/{name.lower()}.png")
        image = _image(f"{name} picture", f"//{name.lower()}.png")
        _material(item, image)
        if name == "Near":
            (deep,) = _link(here / "lib/deep/deep.blend", "Deep")
            item.modifiers.new("Copy", "BOOLEAN").object = deep
            mist = bpy.data.volumes.new("Mist")
            mist.use_fake_user, mist.filepath = True, "//mist.vdb"
            _put("lib/mist.vdb")
        _plane(f"{name} to be lost")
        bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(here / "scene.blend"))
    _scene()
    _link(here / "lib/near.blend", "Near", "Near to be lost")
    with bpy.data.libraries.load(str(here / "lib/near.blend"), link=True, relative=True) as (_, wanted):
        wanted.volumes = ["Mist"]
    _add("Mist", wanted.volumes[0])


def _link(library: Path, *names: str) -> "list[Any]":
    bpy = _bpy()
    with bpy.data.libraries.load(str(library), link=True, relative=True) as (_, wanted):
        wanted.objects = list(names)
    for item in wanted.objects:
        bpy.context.scene.collection.objects.link(item)
    return list(wanted.objects)


@_maker
def paths() -> None:
    """Paths as they come from Windows, from nowhere, and from a name in other letters."""
    _scene()
    _picture("maps/wood.png")
    _picture("maps/Stone.PNG")
    for name, path in (
        ("From Windows", "//maps\\wood.png"),
        ("Drive", "C:\\maps\\wood.png"),
        ("Network", "\\\\server\\maps\\wood.png"),
        ("Outside", "//..\\..\\maps\\wood.png"),
        ("Absolute", "/nowhere/wood.png"),
        ("Other letters", "//maps/stone.png"),
        ("Nameless", ""),
    ):
        _material(_plane(name), _image(name, path))


@_maker
def strips() -> None:
    """The edit is rendered: what lies in the scene beneath it is not."""
    bpy = _bpy()
    scene = _scene()
    _material(_plane(), _image("beneath the edit", "//gone/beneath.png"))
    editor = scene.sequence_editor_create()
    every = editor.strips if hasattr(editor, "strips") else editor.sequences
    pictures = [_picture(f"shots/shot_{number:04d}.png") for number in range(1, 7)]
    first = every.new_image("Pictures", pictures[0], 1, 1)
    for path in pictures[1:]:
        first.elements.append(path.rpartition("/")[2])
    late = every.new_image("Late", _picture("shots/late.png"), 2, 50)
    _film("shots/film.mp4")
    every.new_movie("Film", "//shots/film.mp4", 5, 3)
    muted = every.new_image("Muted", _picture("shots/muted.png"), 3, 1)
    muted.mute = True
    assert late and first
    other = bpy.data.scenes.new("Shown by a strip")
    other.camera = bpy.data.objects["Camera"]
    other.world = bpy.data.worlds.new("Other")
    _texture(_nodes(other.world), _image("Other sky", _picture("shots/sky.png")), "ShaderNodeTexEnvironment")
    every.new_scene("Scene", other, 4, 1)


def _film(path: str) -> None:
    """A movie of two frames: one that cannot be read makes no strip."""
    bpy = _bpy()
    scene = bpy.data.scenes.new("Film")
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.camera = bpy.data.objects["Camera"]
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.frame_start, scene.frame_end = 1, 2
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # from 5.0 on
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "MPEG4", "MPEG4"
    scene.render.use_file_extension = False
    scene.render.filepath = str(Path(path).absolute())
    bpy.ops.render.render(animation=True, scene=scene.name)
    assert Path(path).is_file(), sorted(Path(path).parent.iterdir())
    bpy.data.scenes.remove(scene)


@_maker
def ocean() -> None:
    """An ocean that could have a cache; the tests say that it has one."""
    _scene()
    _plane("Sea").modifiers.new("Ocean", "OCEAN").filepath = "//waves"
    _put("waves/disp_0001.exr")


@_maker
def footage() -> None:
    """A clip that is composited, and one that only a camera solver knows."""
    bpy = _bpy()
    scene = _scene()
    clips = []
    for name in ("shown", "tracked"):
        for number in range(1, 7):
            _picture(f"{name}/{name}_{number:04d}.png")
        clips.append(bpy.data.movieclips.load(str(Path(f"{name}/{name}_0001.png").absolute())))
        clips[-1].name, clips[-1].filepath = name, f"//{name}/{name}_0001.png"
        assert clips[-1].frame_duration == 6, clips[-1].frame_duration
    solver = scene.camera.constraints.new("CAMERA_SOLVER")
    solver.use_active_clip = False
    solver.clip = clips[1]
    scene.active_clip = clips[1]
    _compositor(scene, bpy.data.images.new("Backdrop", 4, 4))
    tree = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
    node = tree.nodes.new("CompositorNodeMovieClip")
    node.clip = clips[0]
    over = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeAlphaOver")
    colours = [socket for socket in over.inputs if socket.type == "RGBA"]
    tree.links.new(node.outputs["Image"], colours[0])
