"""Dynamic paint that is kept as a sequence of images, which a material then shows as a texture."""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .wire import Failure

_KIND = "painted_images"
_POLL_SECONDS = 0.2
_REST_SECONDS = 1.0
_STALLED_SECONDS = 600
"""Blender paints in a thread of its own: without a new image for this long it has given up."""
_SUFFIXES = {"PNG": ".png", "OPENEXR": ".exr"}


@dataclass(frozen=True)
class PaintedImages:
    """One surface of a canvas. Its images are beside the .blend or wherever the artist put them."""

    kind: str
    name: str
    scene: Any
    layer: Any
    owner: Any
    surface: Any
    number: int
    """Its place among the canvas' surfaces."""

    @property
    def first_frame(self) -> int:
        return int(self.surface.frame_start)

    @property
    def last_frame(self) -> int:
        return int(self.surface.frame_end)

    @property
    def ready(self) -> bool:
        return not self.missing()

    def missing(self) -> "list[Path]":
        """Images that are not there (an image that is empty is still being written)."""
        wanted = [
            path for frame in range(self.first_frame, self.last_frame + 1) for path in self.images(frame)
        ]
        return [path for path in wanted if not path.is_file() or not path.stat().st_size]

    def images(self, frame: int) -> "list[Path]":
        surface = self.surface
        folder = Path(bpy.path.abspath(surface.image_output_path, library=self.owner.library))
        names = [surface.output_name_a] if surface.use_output_a or not _has_two(surface) else []
        if _has_two(surface) and surface.use_output_b:
            names.append(surface.output_name_b)
        return [folder / f"{name}{frame:04d}{_SUFFIXES[surface.image_fileformat]}" for name in names]

    def has_frame(self, frame: int) -> bool:
        return all(path.is_file() for path in self.images(frame))


def of_object(scene: Any, layer: Any, owner: Any) -> "Iterator[PaintedImages]":
    for modifier in owner.modifiers:
        if modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings and modifier.show_render:
            for number, surface in enumerate(modifier.canvas_settings.canvas_surfaces):
                if surface.is_active and surface.surface_format == "IMAGE":
                    yield PaintedImages(_KIND, owner.name, scene, layer, owner, surface, number)


def prefixes() -> "tuple[str, ...]":
    """How the paths of all images begin that some surface of the file paints: they may be missing before."""
    found = []
    for owner in bpy.data.objects:
        for item in of_object(None, None, owner):
            found += [str(path)[: -len("0000.png")] for path in item.images(0)]
    return tuple(os.path.normpath(prefix) for prefix in found)


def prepare(items: "Iterable[PaintedImages]", last_frame: int, project: Path) -> None:
    """Raises Failure for images that would be written outside of the project's folder."""
    for item in items:
        surface = item.surface
        folder = Path(bpy.path.abspath(surface.image_output_path, library=item.owner.library))
        if not folder.resolve().is_relative_to(project.resolve()):
            raise Failure(
                "unsupported_simulation",
                f'The dynamic paint of "{item.name}" writes its images to {surface.image_output_path}, '
                "outside of the project: choose a folder beside the .blend, such as //paint/.",
            )
        surface.frame_end = max(surface.frame_start, min(surface.frame_end, last_frame))


def bake(item: PaintedImages) -> None:
    """Paints what is missing and waits for it: Blender's operator returns before it has begun."""
    for modifier in item.owner.modifiers:
        if modifier.type == "DYNAMIC_PAINT" and modifier.canvas_settings:
            modifier.canvas_settings.canvas_surfaces.active_index = item.number
    override = {"object": item.owner, "active_object": item.owner}
    with bpy.context.temp_override(scene=item.scene, view_layer=item.layer, **override):
        bpy.ops.dpaint.bake()
    missing, moved_at = item.missing(), time.monotonic()
    while missing:
        if time.monotonic() - moved_at > _STALLED_SECONDS:
            raise Failure(
                "bake_failed",
                f'The dynamic paint of "{item.name}" could not be painted: {missing[0].name} is not there. '
                "Has the canvas a UV map, and is its output folder one beside the .blend?",
            )
        time.sleep(_POLL_SECONDS)
        left = item.missing()
        if len(left) < len(missing):
            moved_at = time.monotonic()
        missing = left
    _wait_for_rest(item)


def _wait_for_rest(item: PaintedImages) -> None:
    """The last image may be there in half: its size must not change from one look to the next."""
    *_, last = item.images(item.last_frame)
    size = -1
    while size != last.stat().st_size:
        size = last.stat().st_size
        time.sleep(_REST_SECONDS)


def _has_two(surface: Any) -> bool:
    """Paint has a colour and a wetness; waves, weights and displacements are one image."""
    return bool(surface.surface_type == "PAINT")
