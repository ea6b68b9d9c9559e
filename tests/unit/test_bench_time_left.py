"""A run of the benchmark ends in time, and gives up the other contenders before it gives up a pair."""

import pytest

from bench.render.time_left import Round, TimeLeft

E, P = Round.EVERYBODY, Round.PAIR


@pytest.mark.parametrize(
    ("limit", "everybody_rounds", "expected"),
    [
        (10_000, 3, [E, E, E, P, P]),
        (10_000, 0, [P, P, P, P, P]),
        (100 + 90 * 2 + 45 * 3, 3, [E, E, P, P, P]),
        (100 + 90 + 45 * 4, 3, [E, P, P, P, P]),
        (100 + 90 + 45 * 2, 3, [E, P, P]),
        (50, 3, [E]),  # one at least
    ],
)
def test_rounds_fit_into_the_time(limit: float, everybody_rounds: int, expected: list[Round]) -> None:
    time_left = TimeLeft(seconds=limit, rounds=5, everybody_rounds=everybody_rounds)
    elapsed = 100.0
    kinds: list[Round] = []
    while (kind := time_left.next(len(kinds), elapsed)) is not Round.NONE:
        kinds.append(kind)
        seconds = {E: 90.0, P: 45.0}[kind]
        time_left.took(kind, seconds)
        elapsed += seconds
    assert kinds == expected


def test_a_pair_that_takes_longer_than_half_a_round_is_believed() -> None:
    time_left = TimeLeft(seconds=330, rounds=5, everybody_rounds=1)
    time_left.took(E, 90.0)
    assert time_left.next(1, 190.0) is P
    time_left.took(P, 80.0)
    assert time_left.next(2, 270.0) is Round.NONE
