"""Decoding a picture file in full, in bands of lines so that memory stays small. Runs in the decoder only."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import OpenImageIO
from PIL import Image, UnidentifiedImageError

from worker_agent.output_check import endings, exr_chunks, formats
from worker_agent.output_check.findings import Part
from worker_agent.output_check.frame_picture import FramePicture

MOST_PIXELS = 1 << 30
"""Of a picture whose size nobody foretold; more would only keep the worker busy."""
_BAND_BYTES = 128 << 20
_BAND_LINES = 256
"""EXR's largest chunk: a smaller band would decompress it again and again."""

Accept = Callable[[tuple[Part, ...]], bool]
"""Whether the sizes are such that the picture is worth to be decoded."""


class DamagedError(Exception):
    """In words: "its end is missing"."""


Image.MAX_IMAGE_PIXELS = None  # sizes are looked at before anything is decoded


def read(
    path: Path, wanted: formats.Format, accept: Accept, watcher: FramePicture | None = None
) -> tuple[Part, ...]:
    """The pictures of a file, all of them decoded unless they are not accepted. Raises DamagedError."""
    with path.open("rb") as file:
        if why := endings.cut_off(wanted.name, file):
            raise DamagedError(why)
    if wanted.name == "OpenEXR" and (parts := _newer_exr(path)):
        return parts
    read = _with_pillow if wanted.decoder.isupper() else _with_openimageio
    return read(path, wanted.decoder, accept, watcher)


def _with_pillow(path: Path, decoder: str, accept: Accept, watcher: FramePicture | None) -> tuple[Part, ...]:
    try:
        with Image.open(path, formats=[decoder]) as image:
            width, height = image.size
            bits = _pillow_bits(image)
            part = Part(
                width=width, height=height, whole_width=width, whole_height=height, bits=bits, layers=False
            )
            if accept((part,)):
                image.load()
                if watcher:
                    watcher.take_image(image)
    except MemoryError:
        raise
    except UnidentifiedImageError as error:  # it names the whole path
        raise DamagedError("it cannot be read") from error
    except Exception as error:  # of any kind: plugins trip over their own structures
        raise DamagedError(_words(str(error))) from error
    return (part,)


def _pillow_bits(image: Any) -> int:
    """Bits of a channel as the file has them; 0 when it is not told."""
    bits = getattr(image, "tag_v2", {}).get(258, ())
    return int(bits[0]) if bits else 0


def _with_openimageio(
    path: Path, decoder: str, accept: Accept, watcher: FramePicture | None
) -> tuple[Part, ...]:
    source = OpenImageIO.ImageInput.open(str(path))
    if source is None:
        raise DamagedError(_words(OpenImageIO.geterror()))
    try:
        if source.format_name() != decoder:
            raise DamagedError("it cannot be read")
        specs: list[Any] = []
        while source.seek_subimage(len(specs), 0):
            specs.append(source.spec())
        source.geterror()  # that there is no more of them
        parts = tuple(_part(spec) for spec in specs)
        if accept(parts):
            if watcher:
                watcher.begin(specs)
            for number, spec in enumerate(specs):
                _decode(source, number, spec, watcher)
        return parts
    finally:
        source.close()


def _part(spec: Any) -> Part:
    return Part(
        width=spec.width,
        height=spec.height,
        whole_width=spec.full_width,
        whole_height=spec.full_height,
        bits=8 * spec.format.basesize(),
        layers=any("." in name for name in spec.channelnames),
    )


def _decode(source: Any, number: int, spec: Any, watcher: FramePicture | None) -> None:
    line_bytes = spec.width * spec.pixel_bytes(True)
    lines = max(1, min(_BAND_LINES, _BAND_BYTES // max(1, line_bytes)))
    if spec.tile_height:
        lines = spec.tile_height
    end = spec.y + spec.height
    for top in range(spec.y, end, lines):
        bottom = min(top + lines, end)
        if spec.tile_height:
            box = (spec.x, spec.x + spec.width, top, bottom, 0, 1)
            pixels = source.read_tiles(number, 0, *box, 0, spec.nchannels, spec.format)
        else:
            pixels = source.read_scanlines(number, 0, top, bottom, 0, 0, spec.nchannels, spec.format)
        error = source.geterror()  # also with pixels: those that it could read
        if error or pixels is None:
            raise DamagedError(_words(error))
        if watcher:
            watcher.add(number, pixels)


def _newer_exr(path: Path) -> tuple[Part, ...] | None:
    """The parts of an EXR whose compression is not known here; None when it is."""
    try:
        with path.open("rb") as file:
            headers = exr_chunks.headers(file)
            if all(exr_chunks.compression(part) <= exr_chunks.NEWEST_KNOWN_COMPRESSION for part in headers):
                return None
            exr_chunks.check(file, os.fstat(file.fileno()).st_size)
    except exr_chunks.DamagedError as error:
        raise DamagedError(str(error)) from error
    return tuple(_exr_part(part) for part in headers)


def _exr_part(header: dict[str, bytes]) -> Part:
    (width, height), (whole_width, whole_height) = (
        exr_chunks.window(header, name) for name in ("dataWindow", "displayWindow")
    )
    return Part(
        width=width,
        height=height,
        whole_width=whole_width,
        whole_height=whole_height,
        bits=0,
        layers=b"." in header.get("channels", b""),
    )


def _words(error: str) -> str:
    """A library's words, of which the first line is enough."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return lines[0][:200] if lines else "it cannot be read"
