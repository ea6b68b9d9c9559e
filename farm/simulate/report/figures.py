"""Numbers in the words of a table."""

from __future__ import annotations

from math import isinf


def ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """Such as `45 s`, `12 min`, `3.4 h`."""
    if seconds is None or isinf(seconds):
        return "never"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:.1f} h"


def dollars(value: float) -> str:
    return f"${value:.2f}"


def plain(value: float) -> str:
    """A count or a ratio, without needless zeros."""
    return "never" if isinf(value) else f"{value:.2f}".rstrip("0").rstrip(".")
