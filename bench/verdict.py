"""Whether a figure keeps to the bound that it has: a line for people."""

from __future__ import annotations

from typing import Final

NOT_OK: Final = "NOT OK"
_OK: Final = "ok"


def verdict(what: str, found: float, most: float, *, form: str, inclusive: bool = False) -> str:
    """`form` shows both, as str.format does; they are compared as they are, not as they are shown."""
    holds = found <= most if inclusive else found < most
    relation = "at most" if inclusive else "under"
    return f"{what}: {form.format(found)}, to be {relation} {form.format(most)}: {_OK if holds else NOT_OK}"


def at_least(what: str, found: float, least: float, *, form: str) -> str:
    """As `verdict`, for a figure that is the better the larger it is."""
    holds = found >= least
    return f"{what}: {form.format(found)}, to be at least {form.format(least)}: {_OK if holds else NOT_OK}"


def not_measured(what: str, why: str) -> str:
    """In the place of a verdict."""
    return f"{what}: not measured, {why}"


def all_hold(lines: list[str]) -> bool:
    """Whether each of these verdicts is a good one: what was not measured does not hold."""
    return all(line.endswith(f": {_OK}") for line in lines)
