"""Numbers as a person says them; nothing known is a dash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from contract.job_view import JobView

UNKNOWN: Final = "–"


def duration(seconds: float | None) -> str:
    """Such as 40 s, 12 min, 3 h 05 min, 2 d 04 h."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60:02} h"


def dollars(amount: float) -> str:
    """To the cent; nothing where no price is known."""
    if amount <= 0:
        return UNKNOWN
    return f"${amount:,.2f}" if amount >= 0.005 else "< $0.01"


def rate(frames_per_minute: float | None) -> str:
    return UNKNOWN if frames_per_minute is None else f"{frames_per_minute:.1f}"


def frames(view: JobView) -> str:
    """How far a job is."""
    if not view.frames:
        return UNKNOWN
    failed = f", {view.frames_failed:,} failed" if view.frames_failed else ""
    return f"{view.frames_done:,} of {view.frames:,}{failed}"


def moment(timestamp: str) -> str:
    """A record's timestamp to the second, as UTC."""
    return f"{timestamp[:10]} {timestamp[11:19]}"
