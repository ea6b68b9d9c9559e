"""Baking every point cache of the file, each on its own, up to the last frame wanted."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from . import render_state, simulations
from .simulations import Found
from .wire import Failure, Wire


def bake(scene: Any, last_frame: int, save_as: str, wire: Wire) -> None:
    """Bakes what is not ready and saves the project as `save_as`, its caches beside it.

    Raises Failure when a simulation says afterwards that it is not baked.
    """
    wanted = scene.name
    Path(save_as).parent.mkdir(parents=True, exist_ok=True)
    source_caches = simulations.cache_folder(bpy.data.filepath)
    # Saved first: Blender names the cache folder after the file, and finds it only by that name.
    _save(save_as)
    target_caches = simulations.cache_folder(save_as)
    if source_caches.is_dir() and source_caches != target_caches:
        shutil.copytree(source_caches, target_caches, dirs_exist_ok=True)
    render_state.match_viewport_to_render()
    for found in _in_order(simulations.find_all(), last_frame):
        _bake_one(found, last_frame, wire)
    if bpy.context.window is not None:
        bpy.context.window.scene = bpy.data.scenes[wanted]
    _save(save_as)


def _in_order(items: "list[Found]", last_frame: int) -> "list[Found]":
    """What is to be baked, earliest start first, since a later one may depend on it.

    Rigid bodies come last among equals: Blender takes the bake of their world for a bake of
    everything, and whatever is baked by then is left alone. What it bakes too early, in memory,
    is why this list is made before the first bake.
    """
    wanted = [item for item in items if not item.ready and item.cache.frame_start <= last_frame]
    return sorted(wanted, key=lambda item: (item.cache.frame_start, item.kind == "rigid_body"))


def _save(path: str) -> None:
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    try:
        # Paths relative to the source are rewritten for the new place.
        bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False, relative_remap=True)
    except RuntimeError as error:
        reason = f"The baked project could not be saved: {str(error).strip()}"
        raise Failure("cannot_save", reason) from error


def _bake_one(found: Found, last_frame: int, wire: Wire) -> None:
    cache = found.cache
    override = {
        "scene": found.scene,
        "view_layer": _layer_with(found),
        "point_cache": cache,
    }
    with bpy.context.temp_override(**override):
        # Outdated, without its files, or baked in memory with a rigid-body world: the flag
        # alone would be believed.
        if cache.is_baked:
            bpy.ops.ptcache.free_bake()
    if found.on_disk:
        cache.use_external = False
        cache.use_disk_cache = True
    cache.frame_end = max(cache.frame_start, min(cache.frame_end, last_frame))
    with _progress(found, wire), bpy.context.temp_override(**override):
        bpy.ops.ptcache.bake(bake=True)
    if not found.ready:
        raise Failure(
            "bake_failed",
            f'The {found.kind} of "{found.name}" could not be baked: Blender kept no result. '
            "Is it in a view layer that renders?",
        )


def _layer_with(found: Found) -> Any:
    """A view layer that evaluates the object: one that excludes it would bake nothing."""
    layers = list(found.scene.view_layers)
    if found.kind == "rigid_body":
        return layers[0]
    return next((layer for layer in layers if found.owner.name in layer.objects), layers[0])


@contextmanager
def _progress(found: Found, wire: Wire) -> "Iterator[None]":
    """Reports each frame that the bake steps through."""
    first, last = found.cache.frame_start, found.cache.frame_end

    def report(scene: Any, *_: Any) -> None:
        frame = scene.frame_current
        if first <= frame <= last:
            fields = {"kind": found.kind, "object": found.name}
            wire.send("bake_progress", frame=frame, last_frame=last, **fields)

    bpy.app.handlers.frame_change_post.append(report)
    try:
        yield
    finally:
        bpy.app.handlers.frame_change_post.remove(report)
