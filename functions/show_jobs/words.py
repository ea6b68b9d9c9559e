"""Numbers as a person says them."""

from __future__ import annotations

import math
from datetime import datetime

from contract.job_view import STATE_WORDS, JobView, seconds_between

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def duration(seconds: float) -> str:
    """As "40 s", "6 min", "2 h 5 min", "3 d 4 h": two units at most."""
    whole = max(0, round(seconds))
    if whole < 2 * _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{round(whole / _MINUTE)} min"
    if whole < _DAY:
        return _two(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")
    return _two(whole // _DAY, "d", whole % _DAY // _HOUR, "h")


def ago(then: str, now: datetime) -> str:
    """How long since a record's timestamp; empty for what is none."""
    try:
        seconds = seconds_between(then, now.isoformat())
    except (ValueError, TypeError):
        return ""
    return "just now" if seconds < 10 else f"{duration(seconds)} ago"


def money(dollars: float) -> str:
    """Empty for nothing, which on a laptop is what a job costs."""
    if dollars <= 0:
        return ""
    return "< $0.01" if dollars < 0.01 else f"${dollars:,.2f}"


def percent(fraction: float) -> str:
    """100 % only when everything is."""
    return f"{math.floor(100 * min(1, max(0, fraction)) + 1e-9)} %"


def rate(frames_per_minute: float) -> str:
    if frames_per_minute < 1:
        return f"{60 * frames_per_minute:.1f} frames/h"
    return f"{frames_per_minute:.{0 if frames_per_minute >= 100 else 1}f} frames/min"


def short_state(view: JobView) -> str:
    return STATE_WORDS[view.state]


def note(view: JobView) -> str:
    """What is to be said beyond the state itself: what is baked, what it waits for, why it failed."""
    more = "" if view.words == short_state(view) else view.words.removeprefix(f"{short_state(view)}: ")
    return " ".join(part for part in (more, view.reason if view.reason not in more else "") if part)


def _two(first: int, unit: str, second: int, smaller: str) -> str:
    return f"{first} {unit}" + (f" {second} {smaller}" if second else "")
