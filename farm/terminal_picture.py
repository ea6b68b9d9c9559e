"""A small picture on a terminal that can show one: iTerm2's, kitty's and sixel's ways of saying it.

Which way is told by the environment alone: a question to the terminal may stay unanswered, and the answer
may land in the person's shell. Inside tmux and screen nothing is shown.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import Final

from PIL import Image

ROWS: Final = 9
"""Lines of text that a picture takes where the terminal is told."""
MAX_PIXELS: Final = (320, 180)
COLOURS: Final = 128
_BAND: Final = 6
"""Rows of pixels that one line of sixels has."""
_KITTY_CHUNK: Final = 4096
_ESCAPE: Final = "\x1b"
_END: Final = _ESCAPE + "\\"


class PictureError(ValueError):
    """What was to be shown is no picture, or a huge one."""


class PictureProtocol(StrEnum):
    ITERM2 = "iterm2"
    KITTY = "kitty"
    SIXEL = "sixel"


def protocol_of(env: Mapping[str, str]) -> PictureProtocol | None:
    """How the terminal of this environment shows pictures; None for one that nobody knows to."""
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    if env.get("TMUX") or env.get("STY") or term.startswith(("screen", "tmux")):
        return None
    if term == "xterm-kitty" or env.get("KITTY_WINDOW_ID") or program == "ghostty":
        return PictureProtocol.KITTY
    if program in ("iTerm.app", "WezTerm") or env.get("LC_TERMINAL") == "iTerm2":
        return PictureProtocol.ITERM2
    if term.startswith(("foot", "mlterm", "contour")) or "sixel" in term:
        return PictureProtocol.SIXEL
    return None


def drawn(data: bytes, protocol: PictureProtocol) -> str:
    """What draws a picture's file where the cursor is. Raises PictureError."""
    picture = _opened(data)
    if protocol is PictureProtocol.SIXEL:
        return f"{_ESCAPE}Pq{''.join(_sixels(picture))}{_END}"
    file = io.BytesIO()
    picture.save(file, "PNG")
    encoded = b64encode(file.getvalue()).decode()
    if protocol is PictureProtocol.ITERM2:
        return f"{_ESCAPE}]1337;File=inline=1;height={ROWS};preserveAspectRatio=1:{encoded}\x07"
    return "".join(_kitty(encoded))


def _opened(data: bytes) -> Image.Image:
    """Decoded, whatever it is made of, and small."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as file:
            if file.width * file.height > 64 * MAX_PIXELS[0] * MAX_PIXELS[1]:
                raise PictureError(f"a picture of {file.width} × {file.height} pixels is none of a thumbnail")
            picture = file.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"the thumbnail is no picture: {error}") from error
    picture.thumbnail(MAX_PIXELS)
    return picture


def _kitty(encoded: str) -> Iterator[str]:
    """In chunks; the terminal is asked not to answer (q=2)."""
    for first in range(0, len(encoded), _KITTY_CHUNK):
        more = int(first + _KITTY_CHUNK < len(encoded))
        control = f"a=T,f=100,r={ROWS},q=2,m={more}" if first == 0 else f"q=2,m={more}"
        yield f"{_ESCAPE}_G{control};{encoded[first : first + _KITTY_CHUNK]}{_END}"


def _sixels(picture: Image.Image) -> Iterator[str]:
    """Size, colours, then for each six rows of pixels a run for every colour in them."""
    indexed = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    palette = indexed.getpalette() or []
    yield f'"1;1;{indexed.width};{indexed.height}'
    for number in range(len(palette) // 3):
        red, green, blue = (round(value * 100 / 255) for value in palette[3 * number : 3 * number + 3])
        yield f"#{number};2;{red};{green};{blue}"
    pixels = indexed.tobytes()
    rows = [pixels[y * indexed.width : (y + 1) * indexed.width] for y in range(indexed.height)]
    for top in range(0, len(rows), _BAND):
        band = rows[top : top + _BAND]
        for colour in sorted(set(b"".join(band))):
            bits = (sum((row[x] == colour) << n for n, row in enumerate(band)) for x in range(indexed.width))
            yield f"#{colour}" + "".join(_run(bit, len(list(same))) for bit, same in groupby(bits)) + "$"
        yield "-"


def _run(bits: int, length: int) -> str:
    character = chr(0x3F + bits)
    return f"!{length}{character}" if length > 3 else character * length
