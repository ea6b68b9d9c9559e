"""A project with one file of each kind that a scene can need."""

import shutil
import wave
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
def everything() -> None:
    """One file of each kind, all in the folder `files`."""
    bpy = blender_module()
    scene = small_scene()
    scene.world = bpy.data.worlds.new("World")
    textured(nodes_of(scene.world), image_of("Sky", picture("files/sky.png")), "ShaderNodeTexEnvironment")
    with_picture(plane("Wood"), image_of("Wood", picture("files/wood.png")))
    for number in range(1, 7):
        put(f"files/fire/fire_{number:04d}.png")
    fire = image_of("Fire", "//files/fire/fire_0001.png", "SEQUENCE")
    node = with_picture(plane("Fire"), fire)
    node.image_user.frame_duration = 6
    with_picture(plane("Movie"), image_of("Movie", put("files/movie.mp4"), "MOVIE"))
    tiles = image_of("Tiles", "//files/tiles.<UDIM>.png", "TILED")
    tiles.tiles.new(1012)
    with_picture(plane("Tiles"), tiles)
    for number in (1001, 1012):
        picture(f"files/tiles.{number}.png")
    group = bpy.data.node_groups.new("Group", "ShaderNodeTree")
    inner = group.nodes.new("ShaderNodeTexImage")
    inner.image = image_of("In a group", picture("files/group.png"))
    group.links.new(inner.outputs[0], group.nodes.new("NodeGroupOutput").inputs[-1])
    nodes_of(bpy.data.materials["Wood material"]).nodes.new("ShaderNodeGroup").node_tree = group
    texture = bpy.data.textures.new("Waves", "IMAGE")
    texture.image = image_of("Waves", picture("files/waves.png"))
    plane("Sea").modifiers.new("Displace", "DISPLACE").texture = texture
    _text_and_sound()
    _caches()
    _imports()
    _light_with_files(scene)
    over_the_render(scene, image_of("Backdrop", picture("files/backdrop.png")))


def _text_and_sound() -> None:
    bpy = blender_module()
    fonts = Path(bpy.utils.system_resource("DATAFILES", path="fonts"))
    shutil.copy(sorted(fonts.glob("*.woff2"))[0], "files/title.woff2")
    curve = bpy.data.curves.new("Title", "FONT")
    curve.font = bpy.data.fonts.load(str(Path("files/title.woff2").absolute()))
    curve.font.filepath = "//files/title.woff2"
    curve.font.name = "Title"
    add("Title", curve)
    with wave.open("files/music.wav", "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(800))
    speaker = bpy.data.speakers.new("Speaker")
    speaker.sound = bpy.data.sounds.load(str(Path("files/music.wav").absolute()))
    speaker.sound.filepath = "//files/music.wav"
    add("Speaker", speaker)


def _caches() -> None:
    bpy = blender_module()
    smoke = bpy.data.volumes.new("Smoke")
    smoke.filepath = put("files/smoke/smoke_0003.vdb")
    smoke.is_sequence, smoke.frame_duration, smoke.frame_offset = True, 2, 2
    put("files/smoke/smoke_0004.vdb")
    add("Smoke", smoke)
    cloud = bpy.data.volumes.new("Cloud")
    cloud.filepath = put("files/cloud.vdb")
    add("Cloud", cloud)
    modifier = plane("Cached").modifiers.new("Cache", "MESH_CACHE")
    modifier.filepath = put("files/points.pc2")
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
        cached = plane("Birds").modifiers.new("Cache", "MESH_SEQUENCE_CACHE")
        cached.cache_file = bpy.data.cache_files[0]


def _imports() -> None:
    """A file that geometry nodes import, from Blender 4.5 on."""
    bpy = blender_module()
    if not hasattr(bpy.types, "GeometryNodeImportPLY"):
        return
    tree = bpy.data.node_groups.new("Scan", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    for path in ("files/scan.ply", "gone/loose.ply"):
        node = tree.nodes.new("GeometryNodeImportPLY")
        node.inputs["Path"].default_value = f"//{path}"
    tree.links.new(tree.nodes[0].outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
    tree.nodes[0].name = "Import"
    put("files/scan.ply")
    plane("Scan").modifiers.new("Scan", "NODES").node_group = tree


def _light_with_files(scene: Any) -> None:
    bpy = blender_module()
    light = bpy.data.lights.new("Lamp", "POINT")
    tree = nodes_of(light)
    add("Lamp", light)
    ies = tree.nodes.new("ShaderNodeTexIES")
    ies.mode, ies.filepath = "EXTERNAL", put("files/lamp.ies")
    emission = next(node for node in tree.nodes if node.type == "EMISSION")
    tree.links.new(ies.outputs[0], emission.inputs["Strength"])
    scene.cycles.shading_system = True
    script = tree.nodes.new("ShaderNodeScript")
    script.mode, script.filepath = "EXTERNAL", put("files/glow.osl", b"shader glow(output color c = 1) {}")
    script.outputs.new("NodeSocketColor", "color")  # as compiling it makes it, which not every Blender can
    tree.links.new(script.outputs[0], emission.inputs["Color"])
