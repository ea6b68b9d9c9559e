"""The sequencer: its pictures and movies, and the scenes it shows."""

from collections.abc import Iterator
from typing import Any

from .. import cameras
from .finder import Finder

_POINTERS = ("clip", "mask", "font", "sound")


def are_rendered(scene: Any) -> bool:
    """Whether a render of the scene shows its strips, and the scene itself only where a strip does."""
    return cameras.sequencer_renders(scene)


def blocks(scene: Any) -> "Iterator[Any]":
    """What its strips show: scenes as a camera sees them, and the data-blocks of other strips."""
    for strip in _unmuted_of(scene):
        if strip.type == "SCENE" and strip.scene is not None and strip.scene_input == "CAMERA":
            yield strip.scene
        for name in _POINTERS:
            block = getattr(strip, name, None)
            if block is not None:
                yield block


def look(finder: Finder, scene: Any, frames: "list[int] | None") -> None:
    """Files that strips name by themselves. `frames` are those of the timeline, None if unknown."""
    if not are_rendered(scene):
        return
    strips = list(_unmuted_of(scene))
    retimed = any(strip.type == "SPEED" for strip in strips)
    for strip in strips:
        owner = strip.id_data
        inside = frames if owner == scene else None  # a scene's own strips play in another time
        if strip.type not in {"IMAGE", "MOVIE"} or _in_views(strip) or not _plays(strip, inside):
            continue
        if strip.type == "MOVIE":
            finder.require("movie strip", strip.name, strip.filepath, owner.library)
        else:
            _pictures(finder, strip, None if retimed else inside)


def _unmuted_of(scene: Any, seen: "frozenset[str]" = frozenset()) -> "Iterator[Any]":
    """Strips at any depth: in meta strips, and in the sequencers of scenes that strips show."""
    if scene.sequence_editor is None or scene.name_full in seen:
        return
    for strip in _unmuted(scene.sequence_editor):
        yield strip
        if strip.type == "SCENE" and strip.scene is not None and strip.scene_input == "SEQUENCER":
            yield from _unmuted_of(strip.scene, seen | {scene.name_full})


def _unmuted(container: Any) -> "Iterator[Any]":
    channels = container.channels
    strips = container.strips if hasattr(container, "strips") else container.sequences  # renamed in 4.4
    for strip in strips:
        channel = channels[strip.channel] if strip.channel < len(channels) else None
        if strip.mute or (channel is not None and channel.mute):
            continue
        yield strip
        if strip.type == "META":
            yield from _unmuted(strip)


def _in_views(strip: Any) -> bool:
    """One file for each eye, named in ways of their own: believed to be there."""
    return bool(strip.use_multiview and strip.views_format == "INDIVIDUAL")


def _plays(strip: Any, frames: "list[int] | None") -> bool:
    first, end = _span(strip)
    return frames is None or any(first <= frame < end for frame in frames)


def _span(strip: Any) -> "tuple[int, int]":
    """First frame, and the one after the last; renamed in 5.2."""
    if hasattr(strip, "left_handle"):
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def _pictures(finder: Finder, strip: Any, frames: "list[int] | None") -> None:
    names = [element.filename for element in strip.elements]
    shown = range(len(names)) if frames is None else _shown(strip, len(names), frames)
    separator = "" if strip.directory.endswith(("/", "\\")) else "/"
    stored = [f"{strip.directory}{separator}{names[index]}" for index in shown]
    if stored:
        library = strip.id_data.library
        paths = list(dict.fromkeys(finder.path(path, library) for path in stored))
        finder.require_all("image strip", strip.name, stored[0], library, paths)


def _shown(strip: Any, count: int, frames: "list[int]") -> "list[int]":
    """Which of its pictures a strip shows in these frames; all of them when its speed is not plain."""
    if len(getattr(strip, "retiming_keys", ())) or getattr(strip, "speed_factor", 1) != 1:
        return list(range(count))
    first, end = _span(strip)
    new = hasattr(strip, "content_start")
    begin = round(strip.content_start if new else strip.frame_start)
    before = strip.content_trim_start if new else strip.animation_offset_start
    length = max(1, strip.content_duration if new else strip.frame_duration)
    indices = [min(max(frame - begin, 0), length - 1) for frame in frames if first <= frame < end]
    if strip.use_reverse_frames:
        indices = [length - 1 - index for index in indices]
    return sorted({index + before for index in indices if index + before < count})
