"""HTML made of elements. What is put in is text, and escaped, unless it was made here."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_VOID = frozenset({"img"})
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS = "\u200c\u200d"
"""Of unseen characters the two that scripts and emoji need within words."""


@dataclass(frozen=True, slots=True)
class Markup:
    """HTML that is well formed and holds nobody's tags but ours."""

    html: str


Content = Markup | str
NOTHING = Markup("")


def element(name: str, *content: Content, **attributes: str | None) -> Markup:
    """An element; `class_` is written class, `data_job` data-job, and what is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value).html}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(content).html}</{name}>")


def div(class_: str, *content: Content, **attributes: str | None) -> Markup:
    return element("div", *content, class_=class_, **attributes)


def span(class_: str, *content: Content, **attributes: str | None) -> Markup:
    return element("span", *content, class_=class_, **attributes)


def join(content: Iterable[Content]) -> Markup:
    return Markup("".join((c if isinstance(c, Markup) else text(c)).html for c in content))


def text(said: str) -> Markup:
    """What a stranger wrote, as it is read: no tag, no end of an attribute, nothing unseen."""
    return Markup(html.escape(said if said.isprintable() else "".join(map(_seen, said)), quote=True))


def _seen(character: str) -> str:
    if character in "\t\n":
        return " "
    hidden = unicodedata.category(character) in _UNSEEN and character not in _JOINERS
    return "\N{REPLACEMENT CHARACTER}" if hidden else character
