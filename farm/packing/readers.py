"""What a struct of a .blend asks the disk for: one reader for each kind of struct that names files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from blender_asset_tracer import cdefs

from farm.packing.blend_file import Item
from farm.packing.need import Need, Place
from farm.packing.paths import Disk, locate, tiles

_EXTERNAL: Final = 1
_CUSTOM_CAMERA: Final = 3
_CLIP_SEQUENCE: Final = 1
_HIDDEN_LAYER: Final = 1 << 1
_MUTED_STRIP: Final = 1 << 5
_FLUID_FOLDERS: Final = re.compile("config|data|guiding|mesh|noise|particles|script")
_BAKE_FOLDERS: Final = re.compile(r"\d+|meta|blobs")
_OCEAN_FILES: Final = re.compile(r"(disp|foam|normal|spray|spray_inverse)_\d+\.exr")
_POINT_FILES: Final = re.compile(r".*\.(bphys|vdb)")
_IMPORT_NODES: Final = "GeometryNodeImport"
_BUILT_IN_FONT: Final = "<builtin>"


def needs_of(kind: bytes, item: Item, owner: str, folder: Path, disk: Disk) -> Iterator[Need]:
    """`kind` is the struct's name, `owner` that of the data-block which has it, `folder` the .blend's."""
    reader = _READERS.get(kind)
    if reader is not None:
        yield from reader(Place(item, owner, folder, disk))


def _image(place: Place) -> Iterator[Need]:
    item, source = place.item, place.item.number(b"source")
    field = item.text(b"name") or item.text(b"filepath")
    if field is None or item.number(b"packedfile") or item.number(b"packedfiles", b"first"):
        return
    if source == cdefs.IMA_SRC_TILED:
        path = locate(field.text, place.folder)
        wanted = tiles(path, [tile.number(b"tile_number") for tile in item.list(b"tiles")])
        there = [file for file in wanted if place.disk.has(file)]
        lacking = [file.name for file in wanted if file not in there]
        said = f"{len(lacking)} of {len(wanted)} tiles, such as {lacking[0]}" if lacking else ""
        yield place.need("UDIM image", field, there, said)
    elif source == cdefs.IMA_SRC_SEQUENCE:
        yield from place.counted("image sequence", field, only_at_the_end=False)
    elif source in (cdefs.IMA_SRC_FILE, cdefs.IMA_SRC_MOVIE):
        individual = bool(item.number(b"views", b"first"))  # its eyes may have files of their own
        kind = "movie" if source == cdefs.IMA_SRC_MOVIE else "image"
        yield from place.one(kind, field, optional=individual)


def _sound(place: Place) -> Iterator[Need]:
    if not place.item.number(b"packedfile"):
        yield from place.one("sound", place.item.text(b"name") or place.item.text(b"filepath"), optional=True)


def _font(place: Place) -> Iterator[Need]:
    field = place.item.text(b"name") or place.item.text(b"filepath")
    if field and field.text != _BUILT_IN_FONT and not place.item.number(b"packedfile"):
        yield from place.one("font", field)


def _volume(place: Place) -> Iterator[Need]:
    field = place.item.text(b"filepath")
    if field is None or place.item.number(b"packedfile"):
        return
    if place.item.number(b"is_sequence"):
        yield from place.counted("volume", field, only_at_the_end=True)
    else:
        yield from place.one("volume", field)


def _cache_file(place: Place) -> Iterator[Need]:
    field = place.item.text(b"filepath")
    if field and place.item.number(b"is_sequence"):
        yield from place.counted("Alembic or USD cache", field, only_at_the_end=True)
    else:
        yield from place.one("Alembic or USD cache", field)


def _cache_layer(place: Place) -> Iterator[Need]:
    if not place.item.number(b"flag") & _HIDDEN_LAYER:
        yield from place.one("Alembic or USD cache", place.item.text(b"filepath"))


def _clip(place: Place) -> Iterator[Need]:
    field = place.item.text(b"name") or place.item.text(b"filepath")
    if field and place.item.number(b"source") == _CLIP_SEQUENCE:
        yield from place.counted("movie clip", field, only_at_the_end=False)
    else:
        yield from place.one("movie clip", field)


def _strip(place: Place) -> Iterator[Need]:
    """The folder is in one struct, the files' names are in others."""
    item, kind = place.item, place.item.number(b"type")
    data = item.pointer(b"strip") or item.pointer(b"data")
    if data is None or kind not in (cdefs.SEQ_TYPE_IMAGE, cdefs.SEQ_TYPE_MOVIE):
        return
    inside = Item(item.blend, data, 0)
    field, first = inside.text(b"dir") or inside.text(b"dirpath"), inside.pointer(b"stripdata")
    if field is None or first is None:
        return
    names = [element.text(b"name") or element.text(b"filename") for element in item.blend.items(first)]
    if kind == cdefs.SEQ_TYPE_MOVIE:
        names = names[:1]
    folder = locate(field.text, place.folder)
    wanted = list(dict.fromkeys(folder / name.text for name in names if name))
    there = [file for file in wanted if place.disk.has(file)]
    lacking = [file.name for file in wanted if file not in there]
    muted = bool(item.number(b"flag") & _MUTED_STRIP)
    said = f"{len(lacking)} of {len(wanted)} files, such as {lacking[0]}" if lacking else ""
    words = "movie strip" if kind == cdefs.SEQ_TYPE_MOVIE else "image strip"
    separator = "" if field.text.endswith(("/", "\\")) else "/"
    need = place.need(words, field, there, said, shows=not muted)
    yield replace(need, asks_for=f"{field.text}{separator}{wanted[0].name}" if wanted else "")


def _ocean(place: Place) -> Iterator[Need]:
    field = place.item.text(b"cachepath")
    if field and place.item.number(b"cached"):
        folder = locate(field.text, place.folder)
        yield from place.several("ocean cache", field, place.disk.matching(folder, _OCEAN_FILES))


def _fluid(place: Place) -> Iterator[Need]:
    """What was baked at home; what was not, the farm bakes."""
    field = place.item.text(b"cache_directory")
    if field and field.text:
        files = place.disk.below(locate(field.text, place.folder), _FLUID_FOLDERS)
        yield from place.several("fluid cache", field, files, optional=True)


def _point_cache(place: Place) -> Iterator[Need]:
    """A cache in a folder of its own; the usual ones lie beside the .blend."""
    field = place.item.text(b"path")
    if field and field.text and place.item.number(b"flag") & cdefs.PTCACHE_EXTERNAL:
        folder = locate(field.text, place.folder)
        yield from place.several("point cache", field, place.disk.matching(folder, _POINT_FILES))


def _node_bake(place: Place) -> Iterator[Need]:
    """The folder of a modifier's simulation nodes, or of one bake."""
    for name in (b"directory", b"simulation_bake_directory", b"bake_directory"):
        field = place.item.pointed_text(name)
        if field and field.text:
            files = place.disk.below(locate(field.text, place.folder), _BAKE_FOLDERS)
            yield from place.several("simulation cache", field, files, optional=True)


def _node(place: Place) -> Iterator[Need]:
    """Geometry nodes that import a file by the path in a socket."""
    idname = place.item.text(b"idname")
    if idname is None or not idname.text.startswith(_IMPORT_NODES):
        return
    for socket in place.item.list(b"inputs"):
        name, value = socket.text(b"name"), socket.pointer(b"default_value")
        if name is None or name.text != "Path" or value is None or socket.number(b"link"):
            continue
        field = Item(place.item.blend, value, 0).text(b"value")
        if field and field.text:
            yield from place.one("imported file", field)


def _camera(place: Place) -> Iterator[Need]:
    if place.item.number(b"type") == _CUSTOM_CAMERA and place.item.number(b"custom_mode") == _EXTERNAL:
        yield from place.one("OSL camera", place.item.text(b"custom_filepath"))


def _external(kind: str, *, optional: bool) -> Callable[[Place], Iterator[Need]]:
    def read(place: Place) -> Iterator[Need]:
        if place.item.number(b"mode") == _EXTERNAL:
            yield from place.one(kind, place.item.text(b"filepath"), optional=optional)

    return read


def _plain(kind: str, field: bytes, *, optional: bool = False) -> Callable[[Place], Iterator[Need]]:
    def read(place: Place) -> Iterator[Need]:
        found = place.item.text(field)
        if found and (found.text or not optional):
            yield from place.one(kind, found, optional=optional)

    return read


_READERS: Final[dict[bytes, Callable[[Place], Iterator[Need]]]] = {
    b"Image": _image,
    b"ImageView": _plain("image", b"filepath", optional=True),
    b"bSound": _sound,
    b"VFont": _font,
    b"Volume": _volume,
    b"CacheFile": _cache_file,
    b"CacheFileLayer": _cache_layer,
    b"MovieClip": _clip,
    b"Sequence": _strip,
    b"MeshCacheModifierData": _plain("mesh cache", b"filepath"),
    b"CustomDataExternal": _plain("multiresolution file", b"filename", optional=True),
    b"OceanModifierData": _ocean,
    b"FluidDomainSettings": _fluid,
    b"PointCache": _point_cache,
    b"NodesModifierData": _node_bake,
    b"NodesModifierBake": _node_bake,
    b"NodeShaderTexIES": _external("IES light", optional=False),
    # Cycles reads it only with the scene's shading system on
    b"NodeShaderScript": _external("OSL script", optional=True),
    b"bNode": _node,
    b"Camera": _camera,
}
ASKING_KINDS: Final = frozenset(_READERS)
"""The structs that may name files."""
