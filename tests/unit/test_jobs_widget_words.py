"""The dashboard's jobs in words: how far, how long, when and for how much."""

from __future__ import annotations

import pytest

from functions.show_jobs import words
from tests.support.shown_jobs import NOW, ago


def test_every_frame_ended_is_not_every_frame_done_and_nearly_all_is_not_all() -> None:
    assert words.percent(0.9999) == "99 %"
    assert words.percent(1.0) == "100 %"
    assert words.percent(0.29) == "29 %", "as a float it is a little less"


DURATIONS = [
    (0, "0 s"),
    (119, "119 s"),
    (130, "2 min"),
    (3600, "1 h"),
    (7500, "2 h 5 min"),
    (86_400 * 3 + 4 * 3600, "3 d 4 h"),
]


@pytest.mark.parametrize(("seconds", "said"), DURATIONS)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_moments_and_money() -> None:
    assert words.ago(ago(3), NOW) == "just now"
    assert words.ago(ago(600), NOW) == "10 min ago"
    assert words.ago("2026", NOW) == words.ago("yesterday", NOW) == ""
    assert [words.money(d) for d in (0, 0.004, 1234.5)] == ["", "< $0.01", "$1,234.50"]
    assert [words.rate(r) for r in (0.5, 12.34, 240)] == [
        "30.0 frames/h",
        "12.3 frames/min",
        "240 frames/min",
    ]
