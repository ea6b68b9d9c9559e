"""Which rounds fit into the time that a run may take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Round(Enum):
    EVERYBODY = "every contender"
    PAIR = "those whom a bound is about"
    NONE = "no more"


@dataclass(slots=True, kw_only=True)
class TimeLeft:
    """Those whom a bound is about come first: the others run again where there is room."""

    seconds: float
    """That the run may take, from its start."""
    rounds: int
    everybody_rounds: int
    _whole: float = 0.0
    _pair: float | None = None

    def next(self, number: int, elapsed: float) -> Round:
        """What round `number` (the first is 0) is to be, when so many seconds have gone by."""
        if number == 0:
            return Round.EVERYBODY if self.everybody_rounds else Round.PAIR
        pair = self._whole / 2 if self._pair is None else self._pair  # until one was seen: a guess
        left = self.seconds - elapsed
        if number >= self.rounds or pair > left:
            return Round.NONE
        room = self._whole + pair * (self.rounds - number - 1) <= left
        return Round.EVERYBODY if number < self.everybody_rounds and room else Round.PAIR

    def took(self, kind: Round, seconds: float) -> None:
        """A round's length, from which later ones are foreseen."""
        if kind is Round.EVERYBODY:
            self._whole = max(self._whole, seconds)
        else:
            self._pair = max(self._pair or 0.0, seconds)
