"""Numbers as a person says them, and tables of them."""

from __future__ import annotations

import pytest

from farm.listing import lines
from farm.printable import printable
from farm.wording import dollars, duration, moment, rate


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (119.4, "119 s"),
        (120, "2 min"),
        (3569, "59 min"),
        (3600, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (47.9 * 3600, "47 h 54 min"),
        (49 * 3600, "2 d 01 h"),
    ],
)
def test_how_long(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "–"), (0.001, "< $0.01"), (0.005, "$0.01"), (1.234, "$1.23"), (1234.5, "$1,234.50")],
)
def test_how_much(amount: float, said: str) -> None:
    assert dollars(amount) == said


def test_how_quick_and_when() -> None:
    assert (rate(None), rate(14.25)) == ("–", "14.2")
    assert moment("2026-01-02T03:04:05.678Z") == "2026-01-02 03:04:05"


def test_a_table_is_as_wide_as_it_has_to_be() -> None:
    assert lines(("job", "n"), [("ab-1", "2"), ("日本", "é"), ("a\nb\x1b[2J", "")]) == [
        "job      n",
        "ab-1     2",
        "日本     é",
        "a b�[2J",
    ]
    assert lines(("job",), []) == ["job"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ä 日本\n[red]", "ä 日本\n[red]"),
        ("\x1b]0;t\x07\x9b2J\r", "�]0;t��2J�"),
        ("a\u202eb\u2066", "a�b�"),
        ("\ud800", "�"),
    ],
)
def test_no_text_is_a_command(text: str, shown: str) -> None:
    assert printable(text) == shown
