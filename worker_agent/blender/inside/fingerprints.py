"""What a simulated object looks like in one frame, in a few hundred numbers that can be compared.

Taken while a simulation is baked and again from the render's own evaluation in another process: the
two must agree. Samples of positions instead of a hash, since a cache may be off by a rounding.
"""

from array import array
from collections.abc import Sequence
from typing import Any

import bpy

_SAMPLES = 60
"""Points of each part of an object that are compared, spread evenly over it; all of them are counted."""
_TOLERANCE = 1e-4
"""Of the largest number in the fingerprint."""


def of_object(owner: Any, depsgraph: Any) -> "list[float]":
    """Counts and sampled values of all that a simulation can move or paint."""
    evaluated = owner.evaluated_get(depsgraph)
    values = [number for row in evaluated.matrix_world for number in row]
    values += _mesh(evaluated)
    values += _lattice(evaluated)
    for system in evaluated.particle_systems:
        values += _hair(evaluated, system) if system.settings.type == "HAIR" else _particles(system)
    for modifier in evaluated.modifiers:
        if modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN":
            values += _property(modifier.domain_settings.density_grid, 1)
        elif modifier.type == "NODES":
            values += _instances(owner, depsgraph)
    return values


def agree(one: "Sequence[float]", other: "Sequence[float]") -> bool:
    """Whether two fingerprints are of the same shape."""
    if len(one) != len(other):
        return False
    allowed = _TOLERANCE * max([1.0, *map(abs, one)])
    return all(abs(first - second) <= allowed for first, second in zip(one, other, strict=True))


def _mesh(evaluated: Any) -> "list[float]":
    if evaluated.type not in {"MESH", "CURVE", "SURFACE", "FONT", "META"}:
        return []
    mesh = evaluated.to_mesh()
    try:
        values = _collection(mesh.vertices, "co", 3)
        for layer in getattr(mesh, "color_attributes", ()):
            values += _collection(layer.data, "color", 4)
        for vertex in _spread(mesh.vertices):
            values += [group.weight for group in vertex.groups]
        return values
    finally:
        evaluated.to_mesh_clear()


def _lattice(evaluated: Any) -> "list[float]":
    return _collection(evaluated.data.points, "co_deform", 3) if evaluated.type == "LATTICE" else []


def _particles(system: Any) -> "list[float]":
    """Where those are that are there: one that is yet to be born is wherever Blender last put it."""
    values = [float(len(system.particles))]
    for particle in _spread(system.particles):
        alive = particle.alive_state == "ALIVE"
        values += [float(alive), *(particle.location if alive else (0.0, 0.0, 0.0))]
    return values


def _hair(evaluated: Any, system: Any) -> "list[float]":
    """The strands as they are drawn: what the keys say is the same in motion and at rest."""
    count, steps = len(system.particles), 2**system.settings.render_step
    values = [float(count)]
    for number in range(0, count, max(1, count // _SAMPLES)):
        for step in (steps // 2, steps):
            values += list(system.co_hair(object=evaluated, particle_no=number, step=step))
    return values


def _instances(owner: Any, depsgraph: Any) -> "list[float]":
    """Instances that the nodes of this object make: how many, and where."""
    matrices = [
        [number for row in item.matrix_world for number in row]
        for item in depsgraph.object_instances
        if item.is_instance and item.parent is not None and item.parent.original == owner
    ]
    return [float(len(matrices)), *(number for matrix in _spread(matrices) for number in matrix)]


def _collection(items: Any, attribute: str, width: int) -> "list[float]":
    """How many, their mean, and samples of an attribute with so many numbers each."""
    numbers = array("f", bytes(4 * width * len(items)))
    items.foreach_get(attribute, numbers)
    return _summary(numbers, width)


def _property(numbers: Any, width: int) -> "list[float]":
    values = array("f", bytes(4 * len(numbers)))
    if len(numbers):
        numbers.foreach_get(values)
    return _summary(values, width)


def _summary(numbers: "array[float]", width: int) -> "list[float]":
    count = len(numbers) // width
    if not count:
        return [0.0]
    means = [sum(numbers[axis::width]) / count for axis in range(width)]
    stride = max(1, count // _SAMPLES) * width
    return [float(count), *means, *(x for axis in range(width) for x in numbers[axis::stride])]


def _spread(items: Any) -> "list[Any]":
    return [items[number] for number in range(0, len(items), max(1, len(items) // _SAMPLES))]


def targets(simulation: Any) -> "list[Any]":
    """The objects that show a simulation: its own, or some of a rigid-body world's."""
    if isinstance(simulation.owner, bpy.types.Object):
        followers = [item for item in bpy.data.objects if _is_deformed_by(item, simulation.owner)]
        return [simulation.owner, *followers[:_SAMPLES]]
    return _spread(simulation.owner.rigidbody_world.collection.all_objects)


def _is_deformed_by(item: Any, lattice: Any) -> bool:
    return lattice.type == "LATTICE" and any(
        modifier.type == "LATTICE" and modifier.object == lattice for modifier in item.modifiers
    )
