"""Projects that show one matter each: what is not needed, sequences, libraries, paths, an edit, footage."""

import shutil
from pathlib import Path
from typing import Any

from tests.support.projects import (
    add,
    blender_module,
    image_of,
    maker,
    nodes_of,
    over_the_render,
    picture,
    plane,
    put,
    small_scene,
    textured,
    with_picture,
)


@maker
def nothing_needed() -> None:
    """Nothing of what is missing here would ever be read."""
    bpy = blender_module()
    scene = small_scene()

    def gone(name: str) -> Any:
        return image_of(name, f"//gone/{name}.png")

    gone("of no use to anyone").use_fake_user = True
    unused = bpy.data.materials.new("Unused")
    unused.use_fake_user = True
    textured(nodes_of(unused), gone("of an unused material"))
    packed = image_of("packed", picture("gone/packed.png"))
    packed.pack()
    assert packed.source == "FILE"
    shutil.rmtree("gone")
    node = with_picture(plane(), packed)
    tree = node.id_data
    loose, muted, unplugged = (tree.nodes.new("ShaderNodeTexImage") for _ in range(3))
    loose.image, muted.image, muted.mute = gone("of a loose node"), gone("of a muted node"), True
    unplugged.image = gone("behind a muted link")
    shader, output = (
        next(n for n in tree.nodes if n.type == kind) for kind in ("EMISSION", "OUTPUT_MATERIAL")
    )
    tree.links.new(muted.outputs[0], shader.inputs["Strength"])
    tree.links.new(unplugged.outputs[0], output.inputs["Displacement"]).is_muted = True
    with_picture(plane("Never rendered"), gone("of a hidden object"))
    bpy.data.objects["Never rendered"].hide_render = True
    for name, setting in (("Excluded", "exclude"), ("Hidden", "hide_render")):
        shelf = bpy.data.collections.new(name)
        scene.collection.children.link(shelf)
        item = plane(f"{name} item")
        with_picture(item, gone(f"of the collection {name}"))
        shelf.objects.link(item)
        scene.collection.objects.unlink(item)
        layer = bpy.context.view_layer.layer_collection.children[name]
        setattr(layer if setting == "exclude" else shelf, setting, True)
    reference = add("Reference", None)
    reference.empty_display_type, reference.data = "IMAGE", gone("shown by an empty")
    background = scene.camera.data.background_images.new()
    background.image = gone("behind the camera")
    scene.tool_settings.image_paint.canvas = gone("to be painted on")
    if bpy.app.version < (5, 0):
        material = bpy.data.materials.new("Nodes off")
        textured(nodes_of(material), gone("of nodes that are off"))
        material.use_nodes = False
        plane("Nodes off").data.materials.append(material)
    off = plane("Modifier off").modifiers.new("Cache", "MESH_CACHE")
    off.filepath, off.show_render = "//gone/points.pc2", False
    generated = bpy.data.images.new("generated", 4, 4)
    generated.filepath = "//gone/generated.png"
    with_picture(plane("Generated"), generated)
    other = bpy.data.scenes.new("Other")
    other.use_fake_user = True
    other.world = bpy.data.worlds.new("Other")
    textured(nodes_of(other.world), gone("of another scene"), "ShaderNodeTexEnvironment")
    scene.sequence_editor_create()  # without strips


@maker
def stamped() -> None:
    """A texture, and the file's own path in the picture."""
    render = small_scene().render
    render.resolution_x, render.resolution_y = 1600, 32  # a long path is cut off
    with_picture(plane(), image_of("texture", picture("textures/wood.png")))
    for stamp in ("date", "time", "render_time", "frame", "camera", "scene", "lens", "memory", "hostname"):
        setattr(render, f"use_stamp_{stamp}", False)
    render.use_stamp = render.use_stamp_filename = True


@maker
def sequences() -> None:
    """Files 3 to 6 and 11 to 13; counted in several ways."""
    small_scene()
    for number in (3, 4, 5, 6, 11, 12, 13):
        put(f"fire/fire_{number:04d}.png")
    for name, start, duration, offset, cyclic in (
        ("Straight", 1, 4, 2, False),  # 3 to 6, then 6
        ("Cyclic", 1, 3, 10, True),  # 11 to 13, again and again
        ("Late", 5, 2, 2, False),  # nothing before frame 5
    ):
        image = image_of(name, "//fire/fire_0003.png", "SEQUENCE")
        user = with_picture(plane(name), image).image_user
        user.frame_start, user.frame_duration, user.frame_offset = start, duration, offset
        user.use_cyclic = cyclic
    image = image_of("Driven", "//fire/fire_0003.png", "SEQUENCE")
    node = with_picture(plane("Driven"), image)
    node.image_user.frame_duration = 1000
    node.image_user.keyframe_insert("frame_offset", frame=1)


@maker
def linked() -> None:
    """A library with a texture, which links from another, in folders of their own."""
    bpy = blender_module()
    here = Path.cwd()
    for folder, name in (("lib/deep", "Deep"), ("lib", "Near")):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        Path(folder).mkdir(parents=True, exist_ok=True)
        path = str(here / folder / f"{name.lower()}.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        item = plane(name)
        picture(f"{folder}/{name.lower()}.png")
        image = image_of(f"{name} picture", f"//{name.lower()}.png")
        with_picture(item, image)
        if name == "Near":
            (deep,) = _link(here / "lib/deep/deep.blend", "Deep")
            item.modifiers.new("Copy", "BOOLEAN").object = deep
            mist = bpy.data.volumes.new("Mist")
            mist.use_fake_user, mist.filepath = True, "//mist.vdb"
            put("lib/mist.vdb")
        plane(f"{name} to be lost")
        bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(here / "scene.blend"))
    small_scene()
    _link(here / "lib/near.blend", "Near", "Near to be lost")
    with bpy.data.libraries.load(str(here / "lib/near.blend"), link=True, relative=True) as (_, wanted):
        wanted.volumes = ["Mist"]
    add("Mist", wanted.volumes[0])


def _link(library: Path, *names: str) -> "list[Any]":
    bpy = blender_module()
    with bpy.data.libraries.load(str(library), link=True, relative=True) as (_, wanted):
        wanted.objects = list(names)
    for item in wanted.objects:
        bpy.context.scene.collection.objects.link(item)
    return list(wanted.objects)


@maker
def paths() -> None:
    """Paths as they come from Windows, from nowhere, and from a name in other letters."""
    small_scene()
    picture("maps/wood.png")
    picture("maps/Stone.PNG")
    for name, path in (
        ("From Windows", "//maps\\wood.png"),
        ("Drive", "C:\\maps\\wood.png"),
        ("Network", "\\\\server\\maps\\wood.png"),
        ("Outside", "//..\\..\\maps\\wood.png"),
        ("Absolute", "/nowhere/wood.png"),
        ("Other letters", "//maps/stone.png"),
        ("Nameless", ""),
    ):
        with_picture(plane(name), image_of(name, path))


@maker
def strips() -> None:
    """The edit is rendered: what lies in the scene beneath it is not."""
    bpy = blender_module()
    scene = small_scene()
    with_picture(plane(), image_of("beneath the edit", "//gone/beneath.png"))
    editor = scene.sequence_editor_create()
    every = editor.strips if hasattr(editor, "strips") else editor.sequences
    pictures = [picture(f"shots/shot_{number:04d}.png") for number in range(1, 7)]
    first = every.new_image("Pictures", pictures[0], 1, 1)
    for path in pictures[1:]:
        first.elements.append(path.rpartition("/")[2])
    late = every.new_image("Late", picture("shots/late.png"), 2, 50)
    _film("shots/film.mp4")
    every.new_movie("Film", "//shots/film.mp4", 5, 3)
    muted = every.new_image("Muted", picture("shots/muted.png"), 3, 1)
    muted.mute = True
    assert late and first
    other = bpy.data.scenes.new("Shown by a strip")
    other.camera = bpy.data.objects["Camera"]
    other.world = bpy.data.worlds.new("Other")
    textured(
        nodes_of(other.world), image_of("Other sky", picture("shots/sky.png")), "ShaderNodeTexEnvironment"
    )
    every.new_scene("Scene", other, 4, 1)


def _film(path: str) -> None:
    """A movie of two frames: one that cannot be read makes no strip."""
    bpy = blender_module()
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


@maker
def ocean() -> None:
    """An ocean that could have a cache; the tests say that it has one."""
    small_scene()
    plane("Sea").modifiers.new("Ocean", "OCEAN").filepath = "//waves"
    put("waves/disp_0001.exr")


@maker
def footage() -> None:
    """A clip that is composited, and one that only a camera solver knows."""
    bpy = blender_module()
    scene = small_scene()
    clips = []
    for name in ("shown", "tracked"):
        for number in range(1, 7):
            picture(f"{name}/{name}_{number:04d}.png")
        clips.append(bpy.data.movieclips.load(str(Path(f"{name}/{name}_0001.png").absolute())))
        clips[-1].name, clips[-1].filepath = name, f"//{name}/{name}_0001.png"
        assert clips[-1].frame_duration == 6, clips[-1].frame_duration
    solver = scene.camera.constraints.new("CAMERA_SOLVER")
    solver.use_active_clip = False
    solver.clip = clips[1]
    scene.active_clip = clips[1]
    over_the_render(scene, bpy.data.images.new("Backdrop", 4, 4))
    tree = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
    node = tree.nodes.new("CompositorNodeMovieClip")
    node.clip = clips[0]
    over = next(n for n in tree.nodes if n.bl_idname == "CompositorNodeAlphaOver")
    colours = [socket for socket in over.inputs if socket.type == "RGBA"]
    tree.links.new(node.outputs["Image"], colours[0])
