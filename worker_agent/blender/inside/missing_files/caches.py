"""Alembic and USD caches, and volumes."""

from typing import Any

import bpy

from .finder import Finder
from .paths import numbered
from .reached import Reached
from .timing import volume_numbers


def look(finder: Finder, reached: Reached) -> None:
    for cache in reached.of(bpy.types.CacheFile):
        users = reached.users(cache)
        if any(_is_read(cache, user) for user in users):
            _cache(finder, cache)
    for volume in reached.of(bpy.types.Volume):
        if not volume.packed_file:
            _volume(finder, volume)


def _is_read(cache: Any, user: Any) -> bool:
    """Whether a modifier that renders, or a constraint that acts, asks for it."""
    if not isinstance(user, bpy.types.Object):
        return True
    modifiers = [m for m in user.modifiers if getattr(m, "cache_file", None) == cache]
    constraints = [c for c in user.constraints if getattr(c, "cache_file", None) == cache]
    return any(m.show_render for m in modifiers) or any(
        getattr(c, "enabled", True) and not c.mute for c in constraints
    )


def _cache(finder: Finder, cache: Any) -> None:
    where = ("Alembic or USD cache", cache.name, cache.filepath, cache.library)
    for layer in cache.layers:
        if not layer.hide_layer:
            finder.require(where[0], cache.name, layer.filepath, cache.library)
    if not cache.is_sequence:
        finder.require(*where)
    elif finder.frames is None or cache.animation_data is not None:
        finder.require_any(*where)
    else:
        path = finder.path(cache.filepath, cache.library)
        frames = [int(cache.frame)] if cache.override_frame else finder.frames
        finder.require_all(*where, list(dict.fromkeys(numbered(path, f, True) for f in frames)))


def _volume(finder: Finder, volume: Any) -> None:
    where = ("volume", volume.name, volume.filepath, volume.library)
    if not volume.is_sequence:
        finder.require(*where)
    elif finder.frames is None or volume.animation_data is not None:
        finder.require_any(*where)
    else:
        path = finder.path(volume.filepath, volume.library)
        numbers = volume_numbers(
            finder.frames,
            start=volume.frame_start,
            duration=volume.frame_duration,
            offset=volume.frame_offset,
            mode=volume.sequence_mode,
        )
        finder.require_all(*where, list(dict.fromkeys(numbered(path, n, True) for n in numbers)))
