"""Every simulation that is rendered: what kind, of which object, from which frame to which, ready or not."""

from typing import Any, Protocol

import bpy

from . import fluids, node_simulations, painted_images, point_caches, rendered_parts
from .wire import Failure


class Simulation(Protocol):
    """What depends on the frames before. The classes are in the rooms named after their kinds."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def owner(self) -> Any:
        """The object; the scene of a rigid-body world."""
        ...

    @property
    def scene(self) -> Any: ...

    @property
    def layer(self) -> Any:
        """A view layer in which the object is evaluated."""
        ...

    @property
    def first_frame(self) -> int: ...

    @property
    def last_frame(self) -> int: ...

    @property
    def ready(self) -> bool:
        """Baked, and what it was baked to is there."""
        ...

    def has_frame(self, frame: int) -> bool:
        """Whether the result of this frame is there."""
        ...


_SIMULATING = {"CLOTH", "SOFT_BODY", "DYNAMIC_PAINT", "PARTICLE_SYSTEM", "FLUID", "NODES"}


def are_possible() -> bool:
    """Whether anything in the file could be a simulation: if not, nothing has to be evaluated to know."""
    return any(scene.rigidbody_world is not None for scene in bpy.data.scenes) or any(
        modifier.type in _SIMULATING for item in bpy.data.objects for modifier in item.modifiers
    )


def find_all(scene: Any) -> "list[Simulation]":
    """The simulations of everything that is rendered with a scene. Raises Failure for what cannot be done.

    The viewport must show what renders show (render_state): the viewport's graph is asked.
    """
    found: list[Simulation] = []
    problems: list[str] = []
    seen: set[int] = set()
    for part in rendered_parts.scenes(scene):
        found += point_caches.of_rigid_world(part)
        for owner, layer in rendered_parts.evaluated_objects(part):
            if owner.as_pointer() in seen:
                continue
            seen.add(owner.as_pointer())
            found += point_caches.of_object(part, layer, owner)
            found += fluids.of_object(part, layer, owner)
            found += node_simulations.of_object(part, layer, owner)
            found += painted_images.of_object(part, layer, owner)
            problems += node_simulations.problems(owner)
    problems += fluids.problems(found)
    if problems:
        listed = "; ".join(dict.fromkeys(problems))
        raise Failure("unsupported_simulation", f"The farm cannot simulate this: {listed}.")
    return found


def library_of(simulation: Simulation) -> Any:
    """The library that the simulated object is linked from, or None."""
    return getattr(simulation.owner, "library", None)
