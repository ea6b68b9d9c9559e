"""The clock of a run of the Lambda that measures the backlog, in place of the computer's."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import pytest

from functions.measure_backlog import handler
from functions.measure_backlog.observation import observe
from tests.support.measured_farm import MeasuredFarm


class Hours:
    """The clock of a run, which sleep moves on and each measure by so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, measure_seconds: float = 0.5) -> None:
        self.now = 1000.0
        self.measured_at: list[float] = []
        monkeypatch.setattr(f"{handler.__name__}.monotonic", lambda: self.now)
        monkeypatch.setattr(f"{handler.__name__}.sleep", self.sleep)
        observed = observe

        def note(*arguments: Any, **values: Any) -> Any:
            self.measured_at.append(self.now - 1000)
            self.now += measure_seconds
            return observed(*arguments, **values)

        monkeypatch.setattr("functions.measure_backlog.measurement.observe", note)
        self.happens: dict[float, Callable[[], object]] = {}
        """What is to happen at which second, while the run sleeps."""

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        end = self.now + seconds
        for at in sorted(at for at in self.happens if at <= end - 1000):
            self.now = 1000 + at
            self.happens.pop(at)()
        self.now = end

    def run(self, farm: MeasuredFarm, watcher: str) -> MeasuredFarm:
        """The same farm, as another run of the Lambda at this clock sees it."""
        turn = replace(farm.measurement.turn, watcher=watcher, now=lambda: self.now)
        other = copy(farm)
        other.measurement = replace(farm.measurement, turn=turn)
        return other
