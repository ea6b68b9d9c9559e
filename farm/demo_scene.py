"""Makes the demo scene: `python -m farm.demo_scene OUT.blend`. Needs a Python with bpy.

A cloth falls over a turning ball while blocks topple around it. Nothing is baked: the farm does
that. 24 frames of 320×180, about a second each on two cores.
"""

import math
import os
import sys
from pathlib import Path
from typing import Any

import bpy

FRAMES = 24
CLOTH_DIVISIONS = 44
SAMPLES = 12
RED, TEAL, GOLD, INK = "#e0463c", "#1f9e94", "#f0b43c", "#22304a"
FLOOR, SKY = "#efe6d8", "#dfe9f5"


def build() -> None:
    """Builds the scene in an empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.name = "Demo"
    _render_settings(scene)
    _world(scene)
    _floor()
    _ball()
    _cloth()
    _dominoes(scene)
    _lights(scene)
    _camera(scene)


def _render_settings(scene: Any) -> None:
    scene.frame_start, scene.frame_end = 1, FRAMES
    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 320, 180, 100
    render.image_settings.file_format = "PNG"
    render.filepath = "//frames/"
    scene.cycles.samples = SAMPLES
    scene.cycles.use_denoising = True
    # The quick denoiser: the thorough one takes longer than the samples do.
    scene.cycles.denoising_prefilter = "FAST"
    if hasattr(scene.cycles, "denoising_quality"):  # from 4.2
        scene.cycles.denoising_quality = "FAST"
    scene.cycles.max_bounces = 4
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - Medium High Contrast"


def _linear(code: str) -> tuple[float, float, float, float]:
    """A web colour (sRGB) in Blender's linear values."""
    values = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values
    )
    return red, green, blue, 1.0


def _material(name: str, colour: str, roughness: float, metallic: float = 0.0) -> Any:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = _linear(colour)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    return material


def _world(scene: Any) -> None:
    world = bpy.data.worlds.new("Sky")
    scene.world = world
    world.use_nodes = True
    background = next(n for n in world.node_tree.nodes if n.type == "BACKGROUND")
    background.inputs["Color"].default_value = _linear(SKY)
    background.inputs["Strength"].default_value = 0.55


def _floor() -> None:
    bpy.ops.mesh.primitive_plane_add(size=60)
    floor = bpy.context.object
    floor.name = "Floor"
    floor.data.materials.append(_material("Floor", FLOOR, 0.6))
    floor.modifiers.new("Collision", "COLLISION")
    floor.collision.thickness_outer = 0.01
    bpy.ops.rigidbody.object_add(type="PASSIVE")


def _ball() -> None:
    bpy.ops.mesh.primitive_uv_sphere_add(segments=48, ring_count=24, radius=1, location=(0, 0, 1))
    ball = bpy.context.object
    ball.name = "Ball"
    bpy.ops.object.shade_smooth()
    ball.data.materials.append(_material("Ball", GOLD, 0.25, metallic=1.0))
    ball.modifiers.new("Collision", "COLLISION")
    ball.collision.thickness_outer = 0.02
    ball.collision.cloth_friction = 40
    ball.rotation_euler.z = 0
    ball.keyframe_insert("rotation_euler", frame=1)
    ball.rotation_euler.z = math.radians(75)
    ball.keyframe_insert("rotation_euler", frame=FRAMES)


def _cloth() -> None:
    bpy.ops.mesh.primitive_grid_add(
        x_subdivisions=CLOTH_DIVISIONS,
        y_subdivisions=CLOTH_DIVISIONS,
        size=3.1,
        location=(0.12, -0.08, 2.25),
        rotation=(math.radians(4), math.radians(-3), math.radians(20)),
    )
    cloth = bpy.context.object
    cloth.name = "Cloth"
    bpy.ops.object.shade_smooth()
    cloth.data.materials.append(_material("Cloth", RED, 0.75))
    modifier = cloth.modifiers.new("Cloth", "CLOTH")
    modifier.settings.quality = 6
    modifier.settings.mass = 0.25
    modifier.settings.bending_stiffness = 0.4
    modifier.settings.time_scale = 1.6
    modifier.collision_settings.distance_min = 0.012
    modifier.collision_settings.use_self_collision = False
    modifier.point_cache.frame_end = FRAMES
    smooth = cloth.modifiers.new("Smooth", "SUBSURF")
    smooth.levels = smooth.render_levels = 1


def _dominoes(scene: Any) -> None:
    """An arc of blocks behind the ball; the first stands tilted and takes the others along."""
    colours = [_material("Teal", TEAL, 0.4), _material("Ink", INK, 0.4)]
    count, radius = 15, 2.3
    for number in range(count):
        angle = math.radians(200 - number * 220 / (count - 1))
        position = (radius * math.cos(angle), radius * math.sin(angle), 0.501)
        bpy.ops.mesh.primitive_cube_add(size=1, location=position)
        block = bpy.context.object
        block.name = f"Block {number + 1}"
        block.scale = (0.5, 0.14, 1.0)
        block.rotation_euler = (0, 0, angle)
        block.data.materials.append(colours[number % 2])
        bevel = block.modifiers.new("Bevel", "BEVEL")
        bevel.width, bevel.segments = 0.025, 2
        if number == 0:
            block.rotation_euler = (math.radians(22), 0, angle)
            block.location.z = 0.53
        bpy.ops.rigidbody.object_add(type="ACTIVE")
        block.rigid_body.friction = 0.4
    scene.rigidbody_world.time_scale = 3.2
    scene.rigidbody_world.point_cache.frame_end = FRAMES


def _lights(scene: Any) -> None:
    for name, energy, size, location, colour in (
        ("Key", 650, 2.5, (-3.5, -4.0, 5.5), "#fff1dc"),
        ("Rim", 350, 2.0, (4.5, 3.0, 3.5), "#cfe3ff"),
    ):
        light = bpy.data.lights.new(name, "AREA")
        light.energy, light.size = energy, size
        light.color = _linear(colour)[:3]
        item = bpy.data.objects.new(name, light)
        item.location = location
        scene.collection.objects.link(item)
        _look_at(item, (0, 0, 0.8))


def _camera(scene: Any) -> None:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location = (1.9, -6.4, 3.0)
    camera.data.lens = 42
    scene.collection.objects.link(camera)
    scene.camera = camera
    _look_at(camera, (0, 0.15, 0.85))


def _look_at(item: Any, target: tuple[float, float, float]) -> None:
    import mathutils

    direction = mathutils.Vector(target) - item.location
    item.rotation_euler = direction.to_track_quat("-Z", "Y").to_euler()


def main() -> None:
    """Writes the scene to the path given as the only argument."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m farm.demo_scene OUT.blend")
    path = Path(sys.argv[1]).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    build()
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
    sys.stdout.flush()
    os._exit(0)  # without Blender's own exit, which is slow and has been seen to hang


if __name__ == "__main__":
    main()
