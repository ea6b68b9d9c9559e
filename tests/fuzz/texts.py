"""Texts as strangers write them, and valid texts with something wrong in them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NASTY = (
    *("", " ", "0", "-1", "1e999", "nan", "inf", "9" * 12, "9" * 5_000, "٣", "1_0", "0x10", "true", "null"),
    *("..", "../", "/", "//", "\\", "C:", "%", "%00", "%ff", "%F0%9F%8E%AC", "+", "\0", "\n", "\r\n", "\x7f"),
    *("\ud800", "\udcff", "é", "e\u0301", "\u202e", "\ufeff", "🎬", "x" * 300, "a" * 1_100, "{}", "[]", '"'),
    *("1-10", "1-100x2,150", "10-1", "1-20y5", "1-1000000", "1-1048574", "5-", "-5", ",,", "1;2", "1-2x0"),
    *("output", "a/output/b", "shot.blend", "SHOT.BLEND", ".blend", "film.tar.gz", "film.zip", ".zip"),
)
PLAIN = st.text(alphabet=st.characters(codec=None, exclude_categories=()), max_size=40)
TEXTS: SearchStrategy[str] = st.one_of(
    st.sampled_from(NASTY),
    PLAIN,
    st.lists(st.one_of(st.sampled_from(NASTY), st.sampled_from("ab/."), PLAIN), max_size=4).map("".join),
)
VALUES: SearchStrategy[Any] = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(TEXTS, max_size=3),
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=20),
)


@st.composite
def weighed(draw: st.DrawFn, *choices: tuple[int, SearchStrategy[Any]]) -> Any:
    """One of some strategies, each as often as its weight says; `one_of` counts every one inside of each."""
    tickets = [place for place, (weight, _) in enumerate(choices) for _ in range(weight)]
    return draw(choices[draw(st.sampled_from(tickets))][1])


@st.composite
def damaged_text(draw: st.DrawFn, texts: SearchStrategy[str]) -> str:
    """A text of which some letters are others, missing or too many."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 3))
        text = text[:at] + draw(TEXTS) + text[at + cut :]
    return text


@st.composite
def damaged(draw: st.DrawFn, values: SearchStrategy[Any]) -> Any:
    """A JSON value of which some parts are others, missing or too many."""
    value = json.loads(json.dumps(draw(values)))
    for _ in range(draw(st.integers(0, 3))):
        value = _with_a_change(draw, value)
    return value


def _with_a_change(draw: st.DrawFn, value: Any) -> Any:
    """Go down into the value for a while, and change what is there."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        match draw(st.integers(0, 5)):
            case 0:
                return {name: inner for name, inner in value.items() if name != key}
            case 1:
                return {**value, draw(TEXTS): draw(VALUES)}
            case _:
                return {**value, key: _with_a_change(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _with_a_change(draw, value[at]), *value[at + 1 :]]
    return draw(VALUES)
