"""Simulations of linked objects: what is said of their caches counts only when it is in the library's file.

So each library is opened and its caches are called baked, to disk, before they hold anything; then
the project that links them is played, which fills them with what happens there.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bpy

from . import node_simulations, point_caches, rendered_parts
from .node_simulations import Zone
from .simulations import Simulation, library_of
from .wire import Failure

Wanted = tuple[str, str, int]
"""An object's name, the kind of its simulation, the frame in which it begins where it is linked."""


def libraries(items: "Iterable[Simulation]", project: Path) -> "dict[Path, list[Wanted]]":
    """The library files, each with what they simulate. Raises Failure.

    Only copies that came with the project may be changed.
    """
    found: dict[Path, list[Wanted]] = {}
    for item in items:
        library = library_of(item)
        if library is None:
            continue
        path = Path(bpy.path.abspath(library.filepath)).resolve()
        if not path.is_relative_to(project.resolve()):
            raise Failure(
                "unsupported_simulation",
                f'The {item.kind} of "{item.name}" is linked from {library.filepath}, outside of the '
                "project: pack the library into an archive beside the .blend, with relative paths.",
            )
        found.setdefault(path, []).append((item.owner.name, item.kind, item.first_frame))
    return found


def claim(library: Path, wanted: "Iterable[Wanted]", last_frame: int) -> None:
    """Opens a library, makes its caches ready to be filled from a project that links them, and saves it."""
    bpy.ops.wm.open_mainfile(filepath=str(library), load_ui=False, use_scripts=False)
    for name, kind, first_frame in sorted(set(wanted)):
        owner = next((item for item in bpy.data.objects if item.name == name and item.library is None), None)
        if owner is None:
            raise _not_there(library, name, kind)
        _claim(owner, kind, (first_frame, last_frame), library)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(library), check_existing=False)


def _claim(owner: Any, kind: str, frames: "tuple[int, int]", library: Path) -> None:
    scene = next((item for item in bpy.data.scenes if owner.name in item.objects), bpy.context.scene)
    layers = rendered_parts.layers(scene)
    layer = next((item for item in layers if owner.name in item.objects), layers[0])
    caches = [item for item in point_caches.of_object(scene, layer, owner) if item.kind == kind]
    zones = [item for item in node_simulations.of_object(scene, layer, owner) if item.kind == kind]
    if zones:  # they cannot be baked from outside: their library's own scene has to do
        waiting = [zone for zone in zones if not zone.ready]
        node_simulations.prepare(waiting, frames[1], first_frame=frames[0])
        for zone in waiting:
            node_simulations.bake(zone)
    elif caches:
        point_caches.prepare([cache for cache in caches if not cache.ready], frames[1])
        for cache in caches:
            point_caches.keep(cache)
    else:
        raise _not_there(library, owner.name, kind)


def baked_in_library(item: Simulation) -> bool:
    """Zones are baked in their library's own scene; the other kinds where they are linked."""
    return library_of(item) is not None and isinstance(item, Zone)


def _not_there(library: Path, name: str, kind: str) -> Failure:
    return Failure(
        "unsupported_simulation",
        f'The {kind} of "{name}" is linked from {library.name}, where the farm cannot bake it: make the '
        "object local, or bake it there and upload its cache with it.",
    )
