"""A graph as a drawing: a pure function from points to HTML and SVG. Colours are the style sheet's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape
from typing import Final

from farm.local.page.series import Measured, Series

HEIGHT: Final = 190
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 10, 24
COLOURS: Final = 6
"""That the style sheet has."""
GAP_PERIODS: Final = 2.5
"""A line is not drawn over a longer silence."""
_BYTES: Final = "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a moment and a value lie on the drawing."""

    width: int
    start: float
    end: float
    """Epoch seconds."""
    top: float
    """The highest value that is drawn; the lowest is 0."""

    def x(self, moment: float) -> float:
        return LEFT + (moment - self.start) / (self.end - self.start) * (self.width - LEFT - RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)


def draw(measured: Measured, *, width: int, start: float, end: float, zone: tzinfo) -> str:
    """A figure `width` CSS pixels wide, with its title and legend; `start` and `end` in epoch seconds."""
    graph = measured.graph
    shown = [series for series in measured.series if series.points]
    top, step = scale(
        [value for series in shown for _, value in series.points] + [t.value for t in graph.targets if shown]
    )
    frame = Frame(width=width, start=start, end=end, top=top)
    drawing = "".join(
        [
            *_value_axis(frame, step),
            *_time_axis(frame, zone),
            *(_line(frame, series, number) for number, series in enumerate(measured.series)),
            *(_target(frame, t.value) for t in graph.targets if shown),
        ]
    )
    nothing = "" if shown else '<p class="empty">Nothing measured</p>'
    return (
        f'<figure class="graph"><figcaption>{escape(graph.title)}</figcaption>'
        f'<div class="drawing"><svg viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'role="img" aria-label="{escape(graph.title)}">{drawing}</svg>{nothing}</div>'
        f'<ul class="legend">{"".join(_legend(measured))}</ul></figure>'
    )


def scale(values: Sequence[float]) -> tuple[float, float]:
    """The top of an axis from 0 that all values fit under, and the step between its marks: round numbers."""
    highest = max((value for value in values if math.isfinite(value)), default=0.0)
    if highest <= 0:
        return 1.0, 0.5
    rough = highest * 1.05 / 4
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * nice for nice in (1, 2, 2.5, 5, 10) if size * nice >= rough)
    return step * math.ceil(highest * 1.05 / step), step


def number(value: float) -> str:
    """Short: 0.25, 12, 3.4k, 1.2M."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def _value_axis(frame: Frame, step: float) -> Iterator[str]:
    for mark in range(round(frame.top / step) + 1):
        value = mark * step
        y = frame.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="mark" x="{LEFT - 8}" y="{y + 3.5:.1f}" text-anchor="end">{number(value)}</text>'


def _time_axis(frame: Frame, zone: tzinfo) -> Iterator[str]:
    seconds = frame.end - frame.start
    room = max(2, (frame.width - LEFT - RIGHT) / 80)
    every = next((m * 60 for m in (1, 2, 5, 10, 15, 30, 60, 120) if seconds / (m * 60) <= room), 3 * 3600)
    moment = math.ceil(frame.start / every) * every
    while moment <= frame.end:
        said = datetime.fromtimestamp(moment, zone).strftime("%H:%M")
        x = min(frame.x(moment), frame.width - RIGHT - 16)
        yield f'<text class="mark" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{said}</text>'
        moment += every


def _line(frame: Frame, series: Series, place: int) -> str:
    colour = f"c{place % COLOURS}"
    drawn = []
    for part in _unbroken(series):
        points = [(frame.x(moment), frame.y(value)) for moment, value in part if math.isfinite(value)]
        if len(points) == 1:
            drawn.append(
                f'<circle class="dot {colour}" cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2.5"/>'
            )
        elif points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            floor = HEIGHT - BOTTOM
            if place == 0:
                area = f"{points[0][0]:.1f},{floor} {path} {points[-1][0]:.1f},{floor}"
                drawn.append(f'<polygon class="area {colour}" points="{area}"/>')
            drawn.append(f'<polyline class="line {colour}" points="{path}"/>')
    return "".join(drawn)


def _unbroken(series: Series) -> Iterator[list[tuple[float, float]]]:
    part: list[tuple[float, float]] = []
    for point in series.points:
        if part and point[0] - part[-1][0] > GAP_PERIODS * series.period_seconds:
            yield part
            part = []
        part.append(point)
    if part:
        yield part


def _target(frame: Frame, value: float) -> str:
    y = frame.y(value)
    return f'<line class="target" x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _legend(measured: Measured) -> Iterator[str]:
    unit = "B" if _BYTES in measured.graph.title else ""
    for place, series in enumerate(measured.series):
        last = f"{number(series.points[-1][1])}{unit}" if series.points else "–"
        yield f'<li class="c{place % COLOURS}"><i></i>{escape(series.label)} <b>{last}</b></li>'
    for target in measured.graph.targets:
        yield f'<li class="target"><i></i>{escape(target.label)} <b>{number(target.value)}</b></li>'
