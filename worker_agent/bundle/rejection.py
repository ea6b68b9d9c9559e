"""Saying no to an archive."""

from __future__ import annotations

from typing import Final

_SHOWN_LETTERS: Final = 100


class BundleRejectedError(Exception):
    """An archive that is not rendered; the message is for its owner."""


class Refused(Exception):
    """What is wrong, as the rest of a sentence that begins with the archive's name."""


def shown(name: str) -> str:
    """A stranger's name in quotes, short enough for a sentence, with what cannot be printed escaped."""
    return repr(name if len(name) <= _SHOWN_LETTERS else f"{name[: _SHOWN_LETTERS - 30]}…{name[-29:]}")
