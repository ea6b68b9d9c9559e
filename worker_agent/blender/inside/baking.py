"""Baking everything that is not ready, in place, up to the last frame wanted.

Point caches are filled as Blender fills them when somebody steps through the timeline: all together,
each seeing the others. What cannot be kept in that way is baked after them.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from . import (
    fluids,
    linked_caches,
    node_simulations,
    painted_images,
    playing,
    point_caches,
    render_state,
    rendered_parts,
    simulations,
)
from .fluids import Fluid
from .node_simulations import Zone
from .painted_images import PaintedImages
from .point_caches import PointCache
from .proof import Expectation, Recorder
from .simulations import Simulation
from .wire import Failure, Wire


def bake(
    scene: Any, last_frame: int, project: Path, reopen: "Callable[[], Any]", wire: Wire
) -> "list[Expectation]":
    """Bakes and saves the open file; returns what a fresh process must find. Raises Failure.

    `project` is the folder that may be written to; `reopen` opens the file again and gives its scene.
    """
    last_frame += _blur_frames(scene)
    _save()  # caches are named after the file, and found only by that name
    render_state.match_viewport_to_render()
    items = _unready(scene, last_frame)
    libraries = linked_caches.libraries(items, project)
    for library, wanted in libraries.items():
        linked_caches.claim(library, wanted, last_frame)
    if libraries:
        scene = reopen()
        render_state.match_viewport_to_render()
        items = [item for item in _unready(scene, last_frame) if not linked_caches.baked_in_library(item)]
    with playing.view_restored():
        expectations = _bake_all(items, last_frame, project, wire)
    _refuse_unfinished(items, last_frame)
    _save()
    return expectations


def _unready(scene: Any, last_frame: int) -> "list[Simulation]":
    found = simulations.find_all(scene)
    return [item for item in found if not item.ready and item.first_frame <= last_frame]


def _bake_all(items: "list[Simulation]", last_frame: int, project: Path, wire: Wire) -> "list[Expectation]":
    caches = [item for item in items if isinstance(item, PointCache)]
    domains = [item for item in items if isinstance(item, Fluid)]
    zones = [item for item in items if isinstance(item, Zone)]
    paintings = [item for item in items if isinstance(item, PaintedImages)]
    point_caches.prepare(caches, last_frame)
    fluids.prepare(domains, last_frame)
    node_simulations.prepare(zones, last_frame)
    painted_images.prepare(paintings, last_frame, project)
    played, baked = Recorder(caches, last_frame), Recorder([*zones, *domains], last_frame)
    if caches:
        playing.play([*caches, *zones], last_frame, played, wire)
    for cache in caches:
        point_caches.keep(cache)
    for zone in zones:
        with playing.watched(zone, baked, wire):
            node_simulations.bake(zone)
    for painting in paintings:
        with playing.watched(painting, None, wire):
            painted_images.bake(painting)
    for domain in domains:  # its last stages follow after each frame: seen only when it is done
        with playing.watched(domain, None, wire):
            fluids.bake(domain)
        playing.look_again(domain, baked)
    return [item for item in (*played.expectations, *baked.expectations) if item["frames"]]


def _refuse_unfinished(items: "list[Simulation]", last_frame: int) -> None:
    for item in items:
        last = min(item.last_frame, last_frame)
        if not item.has_frame(last):
            raise Failure(
                "bake_failed",
                f'The {item.kind} of "{item.name}" could not be baked: Blender kept no result of '
                f"frame {last}. Is it in a view layer that renders?",
            )


def _blur_frames(scene: Any) -> int:
    """Frames after the last one that its motion blur looks at."""
    parts = rendered_parts.scenes(scene)
    return max(
        math.ceil(part.render.motion_blur_shutter) if part.render.use_motion_blur else 0 for part in parts
    )


def _save() -> None:
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    try:
        bpy.ops.wm.save_as_mainfile(filepath=bpy.data.filepath, check_existing=False)
    except RuntimeError as error:
        reason = f"The baked project could not be saved: {str(error).strip()}"
        raise Failure("cannot_save", reason) from error
