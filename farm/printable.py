"""Text of a stranger's, made harmless: what a terminal would take for a command is shown, not done."""

from __future__ import annotations

import unicodedata

_HARMFUL = ("Cc", "Cs")
_SILENT = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of all that follows on a line."""


def printable(text: str) -> str:
    """The text with its line ends, and with a mark in place of every control character."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == "\n" or _is_harmless(c) else "\N{REPLACEMENT CHARACTER}" for c in text)


def _is_harmless(character: str) -> bool:
    return unicodedata.category(character) not in _HARMFUL and character not in _SILENT
