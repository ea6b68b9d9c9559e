"""Whether a figure is below the bound that it has: a line for people."""

from __future__ import annotations

from typing import Final

NOT_OK: Final = "NOT OK"


def verdict(what: str, found: float, most: float, *, form: str, inclusive: bool = False) -> str:
    """`form` shows both, as str.format does; they are compared as they are, not as they are shown."""
    holds = found <= most if inclusive else found < most
    relation = "at most" if inclusive else "under"
    return f"{what}: {form.format(found)}, to be {relation} {form.format(most)}: {'ok' if holds else NOT_OK}"
