"""A table of many lines, quickly: no boxes, aligned, as wide as it has to be.

(rich's tables take a second for a thousand lines.)
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence

from farm.printable import printable

_GAP = "  "


def print_listing(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """To standard output. Every cell is one line."""
    sys.stdout.write("\n".join(lines(heads, rows)) + "\n")
    sys.stdout.flush()


def lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header and the rows, padded; names in them are a stranger's."""
    table = [[printable(cell).replace("\n", " ") for cell in row] for row in (heads, *rows)]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    return [
        _GAP.join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]


def _width(text: str) -> int:
    """Columns of a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
