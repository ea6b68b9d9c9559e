"""What a month's machines cost, counted with each measure of the backlog."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contract.spend import Spend, month_of, spend_key
from contract.worker_record import Doing
from functions.measure_backlog.handler import UncountedError
from functions.measure_backlog.records import BacklogRecords
from tests.support.measured_farm import MeasuredFarm, measured_farm

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class TestMeasure:
    """What is counted, each minute."""

    @pytest.fixture
    def fleet(self) -> Iterator[MeasuredFarm]:
        with measured_farm() as fleet:
            yield fleet

    @staticmethod
    def at(fleet: MeasuredFarm, seconds: int) -> Spend:
        """Measure at so many seconds after the first; the month's item then."""
        now = int(NOW.timestamp()) + seconds
        fleet.measurement = replace(fleet.measurement, now=lambda: now)
        fleet.measure()
        item = fleet.aws.dynamodb.get_item(
            TableName=fleet.aws.job_table_name, Key=spend_key(month_of(datetime.fromtimestamp(now, UTC)))
        )
        return Spend.from_item(item.get("Item"))

    @staticmethod
    def say_price(fleet: MeasuredFarm, name: str, dollars: float) -> None:
        seen = time.time() - int(NOW.timestamp())
        fleet.worker(name, Doing.RENDER, "a", seen=seen, hour_microdollars=int(dollars * 1_000_000))

    def test_each_machine_counts_what_it_says_that_it_costs(self, fleet: MeasuredFarm) -> None:
        fleet.autoscaling.states = ["InService", "InService", "Terminating:Wait"]
        for name, dollars in (("i-0", 0.36), ("i-1", 0.36), ("i-2", 0.72)):
            self.say_price(fleet, name, dollars)
        first = self.at(fleet, 0)
        assert (first.machine_seconds, first.microdollars) == (180, 3 * 60 * 480_000 // 3600)
        second = self.at(fleet, 50)
        assert second.machine_seconds == 180 + 150
        assert second.measured_at == int(NOW.timestamp()) + 50

    def test_one_that_boots_costs_what_the_others_do(self, fleet: MeasuredFarm) -> None:
        fleet.autoscaling.states = ["InService", "Pending"]
        self.say_price(fleet, "i-0", 0.36)
        assert self.at(fleet, 0).microdollars == 2 * 60 * 100

    def test_before_any_has_spoken_the_list_says_it(self, fleet: MeasuredFarm) -> None:
        """Its group may have an m6i.2xlarge and an m5.2xlarge, $0.384 each."""
        fleet.autoscaling.states = ["Pending"]
        assert self.at(fleet, 0).microdollars == 60 * 384_000 // 3600

    def test_what_the_owner_says_wins(self, fleet: MeasuredFarm) -> None:
        self.say_price(fleet, "i-0", 0.36)
        settings = replace(fleet.measurement.settings, worker_hour_dollars=3.6)
        fleet.measurement = replace(fleet.measurement, settings=settings)
        assert self.at(fleet, 0).microdollars == 60 * 1_000

    def test_nothing_is_written_while_no_machine_runs(self, fleet: MeasuredFarm) -> None:
        fleet.autoscaling.states = []
        assert self.at(fleet, 0) == Spend()

    def test_a_pause_counts_as_a_minute(self, fleet: MeasuredFarm) -> None:
        self.at(fleet, 0)
        assert self.at(fleet, 7200).machine_seconds == 120

    def test_a_new_month_begins_with_nothing(self, fleet: MeasuredFarm) -> None:
        self.at(fleet, 0)
        assert self.at(fleet, 7 * 86_400).machine_seconds == 60

    def test_two_measures_at_once_count_once(self, fleet: MeasuredFarm) -> None:
        self.at(fleet, 0)
        records, now = BacklogRecords(fleet.aws.dynamodb, fleet.aws.job_table_name), int(NOW.timestamp())
        before = records.spend("2026-11")
        assert records.add_spend("2026-11", before, machines=1, hour_microdollars=1, now=now + 60)
        assert not records.add_spend("2026-11", before, machines=1, hour_microdollars=1, now=now + 61)
        assert records.spend("2026-11").machine_seconds == 120

    def test_two_first_ones_too(self, fleet: MeasuredFarm) -> None:
        records = BacklogRecords(fleet.aws.dynamodb, fleet.aws.job_table_name)
        for counted in (True, False):
            assert counted is records.add_spend("2026-11", Spend(), machines=1, hour_microdollars=1, now=5)

    def test_a_table_that_is_away_ends_no_measure(
        self, fleet: MeasuredFarm, caplog: pytest.LogCaptureFixture
    ) -> None:
        fleet.lose_table()
        with pytest.raises(UncountedError, match="what the machines cost"):
            fleet.measure()
        assert fleet.emitted()["GrowTo"] == 0
        assert "what the machines cost could not be counted" in caplog.text
