"""What a job takes, estimated from what its frames take: machines, hours and dollars."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contract.scaling import ScalingLimits
from farm.chosen_farm import FleetFacts
from farm.estimate.fleet import plan_of, price_of, variables
from farm.estimate.forecast import FleetPlan, fleet_size, forecast
from farm.estimate.span import Span

LIMITS = ScalingLimits(
    acceptable_latency_seconds=300,
    worker_start_seconds=240,
    frame_queue_bpi=10,
    project_init_queue_bpi=1,
    max_workers=20,
)
PLAN = FleetPlan(limits=LIMITS, start_seconds=240, idle_seconds=20, hour_dollars=Span.exactly(0.36))


@pytest.mark.parametrize(
    ("frames", "seconds", "workers"),
    [(8, 2, 1), (100, 60, 20), (100, 6, 2), (3, 9_000, 3), (10_000, 60, 20), (1, 1, 1)],
)
def test_the_fleet_is_as_large_as_the_farm_would_make_it(frames: int, seconds: float, workers: int) -> None:
    assert fleet_size(frames, seconds, LIMITS) == workers


def test_time_and_dollars_of_a_job() -> None:
    found = forecast(100, Span(low=50, likely=60, high=80), open_seconds=10, plan=PLAN)
    assert found.workers == 20
    assert found.seconds.likely == 250 + 5 * 60
    assert found.seconds.low == 550  # for quicker frames the farm starts fewer machines
    assert found.seconds.high == 250 + 5 * 80 + 240 + 80  # the other machines start when one is known
    machine = 100 * 60 + 20 * 270
    assert found.machine_seconds.likely == machine
    assert found.dollars
    assert found.dollars.likely == pytest.approx(machine / 3600 * 0.36)
    assert found.dollars.low < found.dollars.likely < found.dollars.high


def test_workers_that_a_person_names_are_not_more_than_frames() -> None:
    found = forecast(3, Span.exactly(10), open_seconds=0, plan=replace(PLAN, workers=8, hour_dollars=None))
    assert (found.workers, found.seconds.likely, found.dollars) == (3, 250, None)


@pytest.mark.parametrize("workers", [0, 1])
def test_no_end_of_the_range_lies_within_it(workers: int) -> None:
    """With more seconds to a frame more machines come, and the job may be done sooner."""
    found = forecast(40, Span(low=7, likely=8, high=16), open_seconds=0, plan=replace(PLAN, workers=workers))
    for span in (found.seconds, found.machine_seconds):
        assert span.low <= span.likely <= span.high


CONFIG = variables()


@pytest.mark.parametrize(
    ("asked", "facts", "paid", "dollars", "words"),
    [
        (1.5, None, 0.2, (1.5, 1.5, 1.5), "--hour-dollars"),
        (0.0, FleetFacts(most_workers=1, start_seconds=5, hour_dollars=9), None, (0, 0, 0), "--hour-dollars"),
        (None, FleetFacts(most_workers=1, start_seconds=5, hour_dollars=0), None, None, "no price list"),
        (None, FleetFacts(most_workers=1, start_seconds=5, hour_dollars=2), None, (2, 2, 2), "LOCAL_HOUR"),
        (None, None, 0.1, (0.08, 0.1, 0.13), "former job"),
    ],
)
def test_where_the_price_is_from(
    asked: float | None, facts: FleetFacts | None, paid: float | None, dollars: Any, words: str
) -> None:
    span, said = price_of(CONFIG, facts, asked=asked, paid=paid)
    assert words in said
    assert (span and (span.low, span.likely, span.high)) == (dollars and pytest.approx(dollars))


def test_the_list_price_bounds_spot_and_is_all_of_on_demand() -> None:
    spot, _ = price_of(replace(CONFIG, on_demand_percentage=0), None, asked=None, paid=None)
    whole, said = price_of(replace(CONFIG, on_demand_percentage=100), None, asked=None, paid=None)
    assert spot
    assert whole
    assert whole.low == whole.high == pytest.approx(spot.high)
    assert spot.low < spot.likely < spot.high
    assert "Spot" not in said
    unknown, said = price_of(replace(CONFIG, instance_types=("trn1.2xlarge",)), None, asked=None, paid=None)
    assert unknown is None
    assert "--hour-dollars" in said


def test_a_farm_that_is_not_as_the_variables_say() -> None:
    plan = plan_of(CONFIG, FleetFacts(most_workers=2, start_seconds=5, hour_dollars=0), workers=0, price=None)
    assert (plan.limits.max_workers, plan.start_seconds) == (2, 5)
    assert plan_of(CONFIG, None, workers=0, price=None).limits.max_workers == CONFIG.worker_node_max_count
