"""Images: single ones, sequences, UDIM tiles, movies."""

from collections.abc import Iterator
from typing import Any

import bpy

from . import animation, trees
from .finder import Finder
from .paths import numbered, tile
from .reached import Reached
from .timing import ImageTiming

_READ_FROM_DISK = {"FILE", "SEQUENCE", "MOVIE", "TILED"}
_KINDS = {"FILE": "image", "SEQUENCE": "image sequence", "MOVIE": "movie", "TILED": "UDIM image"}


def look(finder: Finder, reached: Reached) -> None:
    for image in reached.of(bpy.types.Image):
        if image.source not in _READ_FROM_DISK or image.packed_file or len(image.packed_files):
            continue
        if image.type in {"RENDER_RESULT", "COMPOSITING"} or _individual_views(image):
            continue
        timings = [timing for user in reached.users(image) for timing in _readers(image, user)]
        if timings:
            _look_at(finder, image, timings)


def _look_at(finder: Finder, image: Any, timings: "list[ImageTiming | None]") -> None:
    where = (_KINDS[image.source], image.name, image.filepath, image.library)
    path = finder.path(image.filepath, image.library)
    if image.source == "TILED":
        finder.require_all(*where, [tile(path, part.number) for part in image.tiles])
    elif image.source != "SEQUENCE":
        finder.require(*where)
    elif finder.frames is None or None in timings:
        finder.require_any(*where)
    else:
        numbers = {number for timing in timings if timing for number in timing.numbers(finder.frames)}
        finder.require_all(*where, [numbered(path, number) for number in sorted(numbers)])


def _individual_views(image: Any) -> bool:
    """One file for each eye, named in ways of their own: believed to be there."""
    return bool(image.use_multiview and image.views_format == "INDIVIDUAL")


def _readers(image: Any, user: Any) -> "Iterator[ImageTiming | None]":
    """A timing for each place where `user` reads the image; None where that cannot be told."""
    if isinstance(user, bpy.types.ImageTexture):
        yield _timing(user.image_user, user)
        return
    nodes, named = trees.naming(user, "image", image)
    for node in nodes:
        # a compositor's node counts by itself
        yield _timing(getattr(node, "image_user", node), trees.of(user))
    if not named:
        yield None  # in a place without nodes, as a modifier is


def _timing(counter: Any, owner: Any) -> "ImageTiming | None":
    """None for one that is animated: what it says now holds for this frame only."""
    if not hasattr(counter, "frame_duration") or animation.touches(owner, ("image_user.", ".frame_")):
        return None
    cyclic = counter.use_cyclic
    return ImageTiming(counter.frame_start, counter.frame_duration, counter.frame_offset, cyclic)
