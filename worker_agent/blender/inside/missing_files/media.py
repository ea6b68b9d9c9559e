"""Fonts, footage and sounds."""

from typing import Any

import bpy

from . import trees
from .finder import Finder
from .paths import number_in, numbered
from .reached import Reached

_BUILT_IN = "<builtin>"


def look(finder: Finder, reached: Reached) -> None:
    for font in reached.of(bpy.types.VectorFont):
        if font.filepath != _BUILT_IN and not font.packed_file:
            finder.require("font", font.name, font.filepath, font.library)
    for clip in reached.of(bpy.types.MovieClip):
        if any(_is_read(clip, user) for user in reached.users(clip)):
            _clip(finder, clip)
    for sound in reached.of(bpy.types.Sound):
        if sound.packed_file or finder.folders.has(finder.path(sound.filepath, sound.library)):
            continue
        finder.note(f'The sound "{sound.name}" is missing ({sound.filepath}); no picture depends on it.')


def _is_read(clip: Any, user: Any) -> bool:
    """Whether its pictures are looked at, or at least their size: its tracks are in the .blend."""
    if isinstance(user, bpy.types.Object):
        constraints = [c for c in user.constraints if getattr(c, "clip", None) == clip]
        return any(
            not c.mute and c.type == "FOLLOW_TRACK" and c.frame_method != "STRETCH" for c in constraints
        )
    nodes, named = trees.naming(user, "clip", clip)
    return bool(nodes) or not named


def _clip(finder: Finder, clip: Any) -> None:
    where = ("movie clip", clip.name, clip.filepath, clip.library)
    if clip.source != "SEQUENCE":
        finder.require(*where)
    elif finder.frames is None:
        finder.require_any(*where)
    else:
        path = finder.path(clip.filepath, clip.library)
        first = number_in(path) + clip.frame_offset
        indices = [frame - clip.frame_start for frame in finder.frames]
        shown = [index for index in indices if 0 <= index < max(1, clip.frame_duration)]
        finder.require_all(*where, [numbered(path, first + index) for index in shown])
