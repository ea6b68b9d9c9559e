"""The picture formats that Blender writes: how each is called, told by its first bytes, and decoded."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`decoder` is the name that Pillow (capitals) or OpenImageIO (small letters) has for it."""

    name: str
    extensions: tuple[str, ...]
    magics: tuple[tuple[int, bytes], ...]
    """(offset, bytes): any one of them. Targa has none."""
    decoder: str


FORMATS: Final = (
    Format(name="PNG", extensions=(".png",), magics=((0, b"\x89PNG\r\n\x1a\n"),), decoder="png"),
    Format(name="OpenEXR", extensions=(".exr",), magics=((0, b"v/1\x01"),), decoder="openexr"),
    Format(name="JPEG", extensions=(".jpg", ".jpeg"), magics=((0, b"\xff\xd8\xff"),), decoder="JPEG"),
    Format(name="TIFF", extensions=(".tif", ".tiff"), magics=((0, b"II"), (0, b"MM")), decoder="TIFF"),
    Format(name="Targa", extensions=(".tga",), magics=(), decoder="TGA"),
    Format(name="BMP", extensions=(".bmp",), magics=((0, b"BM"),), decoder="BMP"),
    Format(name="Radiance HDR", extensions=(".hdr",), magics=((0, b"#?"),), decoder="hdr"),
    Format(name="WebP", extensions=(".webp",), magics=((8, b"WEBP"),), decoder="WEBP"),
    Format(
        name="JPEG 2000",
        extensions=(".jp2", ".j2c", ".j2k"),
        magics=((4, b"jP  "), (0, b"\xff\x4f\xff\x51")),
        decoder="JPEG2000",
    ),
    Format(name="DPX", extensions=(".dpx",), magics=((0, b"SDPX"), (0, b"XPDS")), decoder="dpx"),
    Format(name="Cineon", extensions=(".cin",), magics=((0, b"\x80\x2a\x5f\xd7"),), decoder="cineon"),
    Format(name="IRIS", extensions=(".rgb", ".sgi"), magics=((0, b"\x01\xda"),), decoder="sgi"),
    Format(name="AVIF", extensions=(".avif",), magics=((4, b"ftyp"),), decoder="AVIF"),
)

MAGIC_BYTES: Final = 16
"""As many of a file's first bytes are needed to tell its format."""

OF_SCENE: Final = {
    "PNG": "PNG",
    "OPEN_EXR": "OpenEXR",
    "OPEN_EXR_MULTILAYER": "OpenEXR",
    "JPEG": "JPEG",
    "TIFF": "TIFF",
    "TARGA": "Targa",
    "TARGA_RAW": "Targa",
    "BMP": "BMP",
    "HDR": "Radiance HDR",
    "WEBP": "WebP",
    "JPEG2000": "JPEG 2000",
    "DPX": "DPX",
    "CINEON": "Cineon",
    "IRIS": "IRIS",
    "AVIF": "AVIF",
}
"""Blender's identifier → our name."""


def by_extension(extension: str) -> Format | None:
    """None for what is no picture that we know: it is not decoded."""
    return next((known for known in FORMATS if extension.lower() in known.extensions), None)


def by_name(name: str) -> Format:
    return next(known for known in FORMATS if known.name == name)


def by_content(head: bytes) -> Format | None:
    """Told by the first bytes of a file."""
    for known in FORMATS:
        if any(head[offset : offset + len(magic)] == magic for offset, magic in known.magics):
            return known
    return None
