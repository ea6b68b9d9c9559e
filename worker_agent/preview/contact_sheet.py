"""All frames of a job, or evenly chosen ones, side by side with their numbers. Runs in the encoder only."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from worker_agent.preview.fitting import fitted
from worker_agent.preview.gaps import font

MOST_CELLS: Final = 200
CELL_PIXELS: Final = 240
"""Of a cell's longer side."""
_SHORTEST_SIDE: Final = 40
_GUTTER: Final = 8
_LABEL_HEIGHT: Final = 18
_LABEL_FONT: Final = 13
_GROUND, _INK, _ALARM = (24, 24, 26), (205, 205, 210), (255, 120, 110)


def chosen(count: int) -> list[int]:
    """Which of so many frames (0, 1, …) are on the sheet: first and last, and evenly between."""
    cells = min(count, MOST_CELLS)
    if cells < 2:
        return list(range(cells))
    return [round(cell * (count - 1) / (cells - 1)) for cell in range(cells)]


class ContactSheet:
    def __init__(self, cells: int, *, width: int, height: int) -> None:
        """For so many cells, of pictures of that size."""
        factor = CELL_PIXELS / max(width, height)
        self._cell = tuple(max(_SHORTEST_SIDE, round(side * factor)) for side in (width, height))
        self._step = self._cell[0] + _GUTTER, self._cell[1] + _LABEL_HEIGHT + _GUTTER
        # as wide as a screen: three to two
        self._columns = max(1, min(cells, round(math.sqrt(cells * 1.5 * self._step[1] / self._step[0]))))
        rows = math.ceil(cells / self._columns)
        size = self._columns * self._step[0] + _GUTTER, rows * self._step[1] + _GUTTER
        self._sheet = Image.new("RGB", size, _GROUND)
        self._letters = font(_LABEL_FONT)
        self._filled = 0

    @property
    def cell_size(self) -> tuple[int, int]:
        return self._cell[0], self._cell[1]

    def add(self, image: Image.Image, label: str, *, is_gap: bool = False) -> None:
        """The next cell."""
        row, column = divmod(self._filled, self._columns)
        left, top = _GUTTER + column * self._step[0], _GUTTER + row * self._step[1]
        self._sheet.paste(fitted(image, *self.cell_size), (left, top))
        place = left, top + self._cell[1] + 2
        ink = _ALARM if is_gap else _INK
        ImageDraw.Draw(self._sheet).text(place, label, font=self._letters, fill=ink)
        self._filled += 1

    def save(self, path: Path) -> None:
        self._sheet.save(path, "JPEG", quality=88)
