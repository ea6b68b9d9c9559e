"""The whole search: what the scene gets to, and in it every kind of file."""

from typing import Any

from .. import painted_images
from . import caches, images, libraries, media, nodes, objects, strips
from .finder import Finder
from .reached import blocks_of


def find(scene: Any, asked_frames: "dict[str, Any] | None") -> Finder:
    """What is missing, and notes on missing files that pictures do not need.

    `asked_frames` has `frames`, or `first` and `last`, or one of them, or nothing: what is not said is
    as the scene says. None: nothing is looked for.
    """
    if asked_frames is None:
        return Finder(None)
    timeline = _timeline(scene, asked_frames)
    finder = Finder(None if strips.are_rendered(scene) else timeline, painted_images.prefixes())
    reached = blocks_of(scene)
    for room in (libraries, images, nodes, objects, caches, media):
        room.look(finder, reached)
    strips.look(finder, scene, timeline)
    return finder


def _timeline(scene: Any, asked: "dict[str, Any]") -> "list[int] | None":
    """The frames to be rendered; None when the scene is played at another speed than it is counted."""
    if scene.render.frame_map_old != scene.render.frame_map_new:
        return None
    if "frames" in asked:
        return sorted(set(asked["frames"]))
    first, last = asked.get("first", scene.frame_start), asked.get("last", scene.frame_end)
    step = 1 if asked else max(1, scene.frame_step)
    return list(range(first, last + 1, step))
