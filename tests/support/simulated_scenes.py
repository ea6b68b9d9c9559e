"""Small scenes with simulations in them, unbaked but where it says so. Run within a Blender of any kind.

`python simulated_scenes.py FOLDER NAME …` or `blender --background --python … -- FOLDER NAME …` makes
them; tests ask `tests.support.simulations.simulated_scene`. Standard library and bpy only.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

LAST = 12
MAKERS: "dict[str, Callable[[Path], None]]" = {}


def maker(function: "Callable[[Path], None]") -> "Callable[[Path], None]":
    """`function(folder)` builds the scene; it is saved as `folder/<name>.blend` unless it saves itself."""
    MAKERS[function.__name__] = function
    return function


def stage() -> Any:
    """An empty scene of 144×96 pixels, one sample, with a camera that sees five metres to each side."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.render.resolution_x, scene.render.resolution_y = 144, 96
    scene.render.image_settings.file_format = "PNG"
    scene.frame_start, scene.frame_end = 1, LAST
    scene.world = bpy.data.worlds.new("World")
    scene.world.color = (0.05, 0.05, 0.08)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -14, 1.5), (1.5, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.3, 0))
    return scene


def sheet(name: str, x: float, z: float = 3.0) -> Any:
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=8, y_subdivisions=8, size=2, location=(x, 0, z))
    item = bpy.context.object
    item.name = name
    item.rotation_euler.x = 0.4
    return item


def cloth(name: str, x: float, z: float = 3.0) -> Any:
    item = sheet(name, x, z)
    item.modifiers.new("Cloth", "CLOTH").settings.time_scale = 2
    return item


def ball(x: float, z: float = 1.0) -> Any:
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.7, location=(x, 0, z), segments=12, ring_count=8)
    item = bpy.context.object
    item.modifiers.new("Collision", "COLLISION")
    return item


def move_to(item: Any, collection: Any) -> None:
    for other in list(item.users_collection):
        other.objects.unlink(item)
    collection.objects.link(item)


def soft_body(name: str, x: float) -> Any:
    item = sheet(name, x)
    settings = item.modifiers.new("Soft", "SOFT_BODY").settings
    settings.use_goal, settings.speed = False, 3
    return item


def particles(name: str, x: float) -> Any:
    bpy.ops.mesh.primitive_plane_add(size=0.8, location=(x, 0, 3))
    item = bpy.context.object
    item.name = name
    item.modifiers.new("Particles", "PARTICLE_SYSTEM")
    settings = item.particle_systems[0].settings
    settings.count, settings.frame_end, settings.lifetime = 40, 8, 100
    bpy.ops.mesh.primitive_cube_add(size=0.3, location=(0, 50, 0))
    bpy.context.object.name = f"{name} drop"
    settings.render_type, settings.instance_object, settings.particle_size = "OBJECT", bpy.context.object, 1
    return item


def hair(name: str, x: float) -> Any:
    """Long strands on a ball that jerks aside."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.4, location=(x, 0, 2), segments=12, ring_count=8)
    item = bpy.context.object
    item.name = name
    item.modifiers.new("Hair", "PARTICLE_SYSTEM")
    system = item.particle_systems[0]
    system.settings.type, system.settings.count, system.settings.hair_length = "HAIR", 60, 1.2
    system.settings.root_radius = system.settings.tip_radius = 6
    system.use_hair_dynamics = True
    item.keyframe_insert("location", frame=1)
    item.location.x += 0.8
    item.keyframe_insert("location", frame=6)
    return item


def rigid_box(name: str, x: float) -> Any:
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(x, 0, 3), rotation=(0.3, 0.2, 0))
    item = bpy.context.object
    item.name = name
    bpy.ops.rigidbody.object_add()
    return item


def painted(name: str, x: float, surface_format: str = "VERTEX") -> Any:
    """A canvas that a moving ball pushes in, or paints on."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=16, y_subdivisions=16, size=2, location=(x, 0, 0))
    canvas = bpy.context.object
    canvas.name = name
    canvas.rotation_euler.x = 1.2
    modifier = canvas.modifiers.new("Canvas", "DYNAMIC_PAINT")
    with bpy.context.temp_override(object=canvas, active_object=canvas):
        bpy.ops.dpaint.type_toggle(type="CANVAS")
    surface = modifier.canvas_settings.canvas_surfaces[0]
    surface.surface_format = surface_format
    if surface_format == "VERTEX":
        surface.surface_type, surface.displace_factor = "DISPLACE", 1.5
    surface.frame_end = LAST
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.4, location=(x - 0.8, 0, 0), segments=12, ring_count=8)
    brush = bpy.context.object
    brush.hide_render = True
    brush.modifiers.new("Brush", "DYNAMIC_PAINT")
    with bpy.context.temp_override(object=brush, active_object=brush):
        bpy.ops.dpaint.type_toggle(type="BRUSH")
    brush.keyframe_insert("location", frame=1)
    brush.location.x += 1.6
    brush.keyframe_insert("location", frame=LAST)
    return canvas


def zone_group(step: float = 0.25, with_bake_node: bool = False) -> Any:
    """A node group that moves its geometry up a bit more in each frame."""
    tree = bpy.data.node_groups.new("Climb", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    start, end = (tree.nodes.new(f"NodeGroup{side}") for side in ("Input", "Output"))
    first, last = (tree.nodes.new(f"GeometryNodeSimulation{side}") for side in ("Input", "Output"))
    move = tree.nodes.new("GeometryNodeSetPosition")
    first.pair_with_output(last)
    move.inputs["Offset"].default_value = (0, 0, -step)
    tree.links.new(start.outputs[0], first.inputs["Geometry"])
    tree.links.new(first.outputs["Geometry"], move.inputs["Geometry"])
    tree.links.new(move.outputs["Geometry"], last.inputs["Geometry"])
    result = last.outputs["Geometry"]
    if with_bake_node:
        bake = tree.nodes.new("GeometryNodeBake")
        tree.links.new(result, bake.inputs["Geometry"])
        result = bake.outputs["Geometry"]
    tree.links.new(result, end.inputs[0])
    return tree


def climber(name: str, x: float, tree: Any, size: float = 0.8) -> Any:
    bpy.ops.mesh.primitive_cube_add(size=size, location=(x, 0, 3), rotation=(0.2, 0.3, 0))
    item = bpy.context.object
    item.name = name
    item.modifiers.new("Nodes", "NODES").node_group = tree
    return item


@maker
def every_kind(folder: Path) -> None:
    stage()
    cloth("Cloth", -4.5)
    ball(-4.5)
    soft_body("Soft", -2)
    ball(-2)
    particles("Rain", 0)
    hair("Fur", 1.6)
    rigid_box("Box", 4)
    painted("Canvas", 0)
    climber("Climber", 5.2, zone_group())


@maker
def long_bake(folder: Path) -> None:
    """A cloth fine enough that its bake takes seconds."""
    stage()
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=90, y_subdivisions=90, size=3, location=(0, 0, 3))
    settings = bpy.context.object.modifiers.new("Cloth", "CLOTH").settings
    settings.time_scale, settings.quality = 2, 12
    ball(0)


@maker
def hidden_in_viewport(folder: Path) -> None:
    """Three cloths that only renders show: by the modifier, the object, the collection."""
    scene = stage()
    cloth("By modifier", -3).modifiers[0].show_viewport = False
    cloth("By object", 0).hide_viewport = True
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    move_to(cloth("By collection", 3), shelf)
    shelf.hide_viewport = True


@maker
def other_subdivision(folder: Path) -> None:
    """Subdivided before the cloth: not at all in the viewport, twice in renders."""
    stage()
    item = sheet("Fine", 0)
    divided = item.modifiers.new("Subdivision", "SUBSURF")
    divided.levels, divided.render_levels = 0, 2
    item.modifiers.new("Cloth", "CLOTH").settings.time_scale = 2
    ball(0)


@maker
def other_layer(folder: Path) -> None:
    """The cloth is in the second view layer alone, whose picture the compositor shows."""
    scene = stage()
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    move_to(cloth("Sheet", 0), shelf)
    scene.view_layers[0].layer_collection.children["Shelf"].exclude = True
    scene.view_layers.new("Second")
    _compose(scene, scene, "Second")


@maker
def other_scene(folder: Path) -> None:
    """The cloth is in another scene, whose picture the compositor shows."""
    scene = stage()
    other = scene.copy()
    other.name = "Stage"
    shelf = bpy.data.collections.new("Shelf")
    other.collection.children.link(shelf)
    move_to(cloth("Sheet", 0), shelf)
    _compose(scene, other, other.view_layers[0].name)


def _compose(scene: Any, source: Any, layer: str) -> None:
    scene.use_nodes = True
    tree = scene.node_tree
    node = next(item for item in tree.nodes if item.type == "R_LAYERS")
    node.scene, node.layer = source, layer


@maker
def linked(folder: Path) -> None:
    """From a library: a cloth in an instanced collection, one on its own, one that is overridden."""
    scene = stage()
    for name, x in (("Instanced", 0), ("Overridden", 3.5)):
        collection = bpy.data.collections.new(name)
        scene.collection.children.link(collection)
        move_to(cloth(f"{name} sheet", x if name == "Overridden" else 0, 3), collection)
    cloth("Linked sheet", -3.5)
    library = folder / "lib" / "character.blend"
    library.parent.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    scene = stage()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.collections, wanted.objects = ["Instanced", "Overridden"], ["Linked sheet"]
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", bpy.data.collections["Instanced"]
    scene.collection.objects.link(empty)
    scene.collection.objects.link(bpy.data.objects["Linked sheet"])
    bpy.data.collections["Overridden"].override_hierarchy_create(scene, bpy.context.view_layer)
    ball(-3.5)  # the linked sheet falls onto what is here, and not in its library
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "linked.blend"))
    bpy.ops.file.make_paths_relative()


@maker
def linked_zone(folder: Path) -> None:
    """A simulation zone of a linked object."""
    stage()
    climber("Climber", 0, zone_group())
    library = folder / "lib" / "climber.blend"
    library.parent.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    scene = stage()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Climber"]
    scene.collection.objects.link(bpy.data.objects["Climber"])
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "linked_zone.blend"))
    bpy.ops.file.make_paths_relative()


@maker
def two_caches_of_one_object(folder: Path) -> None:
    """A cloth that also sheds particles, and a second cloth whose cache has the first one's name."""
    stage()
    item = cloth("Sheet", -2)
    source = particles("Rain", 60)
    item.modifiers.new("Shed", "PARTICLE_SYSTEM")
    item.particle_systems[0].settings = source.particle_systems[0].settings
    other = cloth("Other", 2)
    for sheet_like in (item, other):
        sheet_like.modifiers[0].point_cache.name = "same"


@maker
def shared_zone_folder(folder: Path) -> None:
    """Two objects with simulation zones that are baked into one folder, as people set it up."""
    stage()
    tree = zone_group()
    for name, x, size in (("Small", -2, 0.6), ("Large", 2, 1.4)):
        modifier = climber(name, x, tree, size).modifiers[0]
        modifier.bake_target = "DISK"
        modifier.bake_directory = "//zones"


@maker
def baked_zone(folder: Path) -> None:
    """A zone that the artist has baked into the file, at a pace that the nodes no longer have."""
    stage()
    tree = zone_group(step=0.4)
    item = climber("Climber", 0, tree)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "baked_zone.blend"))
    item.modifiers[0].bakes[0].bake_target = "PACKED"
    bpy.ops.object.geometry_node_bake_single(
        session_uid=item.session_uid, modifier_name="Nodes", bake_id=item.modifiers[0].bakes[0].bake_id
    )
    next(n for n in tree.nodes if n.type == "SET_POSITION").inputs["Offset"].default_value = (0, 0, 0.1)


@maker
def bake_node(folder: Path) -> None:
    """A Bake node behind a zone; neither is baked."""
    stage()
    climber("Climber", 0, zone_group(with_bake_node=True))


@maker
def zone_in_other_layer(folder: Path) -> None:
    scene = stage()
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    move_to(climber("Climber", 0, zone_group()), shelf)
    scene.view_layers[0].layer_collection.children["Shelf"].exclude = True
    scene.view_layers.new("Second")
    _compose(scene, scene, "Second")


@maker
def ready_cache(folder: Path) -> None:
    """Baked to disk up to frame 8, by an artist who wanted no more; what it shows could not be baked anew."""
    stage()
    item = cloth("Sheet", 0)
    cache = item.modifiers[0].point_cache
    cache.frame_end = 8
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "ready_cache.blend"))
    cache.use_disk_cache = True
    with bpy.context.temp_override(point_cache=cache):
        bpy.ops.ptcache.bake(bake=True)


@maker
def painted_image(folder: Path) -> None:
    """Paint on an image sequence that a material shows, and that is not painted yet."""
    stage()
    canvas = painted("Canvas", 0, "IMAGE")
    surface = canvas.modifiers[0].canvas_settings.canvas_surfaces[0]
    surface.image_resolution, surface.image_output_path = 64, "//paint/"
    material = bpy.data.materials.new("Painted")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.new("Paint", 64, 64)
    texture.image.filepath, texture.image.source = "//paint/paintmap0001.png", "SEQUENCE"
    texture.image_user.frame_duration, texture.image_user.use_auto_refresh = LAST, True
    material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Emission Color"])
    material.node_tree.links.new(texture.outputs["Alpha"], shader.inputs["Emission Strength"])
    canvas.data.materials.append(material)


@maker
def painted_elsewhere(folder: Path) -> None:
    """Paint on images that lie far outside of the project."""
    stage()
    canvas = painted("Canvas", 0, "IMAGE")
    canvas.modifiers[0].canvas_settings.canvas_surfaces[0].image_output_path = "//../../farm_escape/"


def _tank(kind: str) -> Any:
    stage()
    bpy.ops.mesh.primitive_cube_add(size=4, location=(0, 0, 1.5))
    tank = bpy.context.object
    tank.name = "Tank"
    modifier = tank.modifiers.new("Fluid", "FLUID")
    modifier.fluid_type = "DOMAIN"
    domain = modifier.domain_settings
    domain.domain_type, domain.resolution_max = kind, 20
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.6, location=(0, 0, 1.5))
    source = bpy.context.object
    source.hide_render = True
    flow = source.modifiers.new("Fluid", "FLUID")
    flow.fluid_type = "FLOW"
    flow.flow_settings.flow_type = "SMOKE" if kind == "GAS" else "LIQUID"
    flow.flow_settings.flow_behavior = "INFLOW"
    return tank


@maker
def gas(folder: Path) -> None:
    """Smoke with noise."""
    tank = _tank("GAS")
    domain = tank.modifiers[0].domain_settings
    domain.use_noise, domain.noise_scale = True, 2
    material = bpy.data.materials.new("Smoke")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output, volume = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeVolumePrincipled")
    volume.inputs["Density"].default_value = 5
    tree.links.new(volume.outputs[0], output.inputs["Volume"])
    tank.data.materials.append(material)


@maker
def liquid(folder: Path) -> None:
    """Water with a mesh and spray."""
    domain = _tank("LIQUID").modifiers[0].domain_settings
    domain.use_mesh = domain.use_spray_particles = True


def main() -> None:
    folder, *names = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    for name in names:
        home = Path(folder, name)
        home.mkdir(parents=True)
        MAKERS[name](home)
        bpy.ops.wm.save_as_mainfile(filepath=str(home / f"{name}.blend"))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
