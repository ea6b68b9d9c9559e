"""Target tracking as the simulator has it: when the alarms act, and what they make of the capacity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from farm.simulate.alarms import Datapoint, StepAlarm, follow
from farm.simulate.engine import simulate
from farm.simulate.farm import Farm
from farm.simulate.model import AtZero, AwsBehaviour, Base, SimulatedJob, Workload
from farm.simulate.tracking import Capacity, TargetTracking
from tests.support.scripted_policy import Scripted

TARGET = 100.0


def tracking(**doubts: object) -> TargetTracking:
    return TargetTracking(target=TARGET, behaviour=AwsBehaviour(**doubts))  # type: ignore[arg-type]


def group(desired: int, ready: int | None = None, *, warming: bool = False) -> Capacity:
    return Capacity(desired=desired, ready=desired if ready is None else ready, warming=warming, maximum=20)


def looks(tracked: TargetTracking, capacity: Capacity, *metrics: float | None) -> list[int | None]:
    return [tracked.look(metric, capacity) for metric in metrics]


def test_three_minutes_above_the_target_scale_out_in_proportion() -> None:
    assert looks(tracking(), group(4), 150, 150, 150) == [None, None, 6]


def test_the_newest_datapoint_counts_and_an_alarm_that_stays_on_acts_again() -> None:
    assert looks(tracking(), group(4), 150, 150, 201, 101) == [None, None, 9, 5]


def test_exactly_the_target_is_not_above_it() -> None:
    assert looks(tracking(), group(4), 100, 100, 100, 100) == [None] * 4


@pytest.mark.parametrize("interruption", [100.0, 20.0, None])
def test_a_datapoint_between_begins_the_count_anew(interruption: float | None) -> None:
    assert looks(tracking(), group(4), 150, 150, interruption, 150, 150, 150) == [None] * 5 + [6]


def test_scale_out_never_passes_the_maximum() -> None:
    assert looks(tracking(high_periods=1), group(4), 100_000) == [20]


def test_fifteen_minutes_below_the_low_threshold_scale_in() -> None:
    assert looks(tracking(), group(4), *[50.0] * 15) == [None] * 14 + [2]


def test_nothing_at_all_scales_in_to_zero() -> None:
    assert looks(tracking(low_periods=1), group(4), 0) == [0]


def test_between_the_low_threshold_and_the_target_nothing_happens() -> None:
    assert looks(tracking(low_periods=1), group(4), 90, 89) == [None, 4]


def test_missing_data_never_scales_in() -> None:
    assert looks(tracking(), group(4), *[50.0] * 14, None, *[50.0] * 14) == [None] * 29


def test_a_machine_that_warms_up_blocks_scale_in_but_not_scale_out() -> None:
    warming = group(4, warming=True)
    assert looks(tracking(low_periods=1, high_periods=1), warming, 50, 150) == [None, 6]


def test_whether_warming_blocks_scale_in_is_a_doubt() -> None:
    assert looks(tracking(low_periods=1, warmup_blocks_scale_in=False), group(4, warming=True), 50) == [2]


def test_the_base_may_be_what_is_in_service() -> None:
    booting = group(5, ready=2)
    assert looks(tracking(high_periods=1, base=Base.DESIRED), booting, 150) == [8]
    in_service = tracking(high_periods=1, low_periods=1, base=Base.IN_SERVICE)
    assert looks(in_service, booting, 150, 400, 50) == [5, 8, 1]  # never below what is desired already


@pytest.mark.parametrize(("rule", "capacity"), [(AtZero.COUNTS_ONE, 3), (AtZero.NOTHING, None)])
def test_from_zero(rule: AtZero, capacity: int | None) -> None:
    assert looks(tracking(high_periods=1, at_zero=rule), group(0), 260) == [capacity]


def test_scale_in_never_raises_a_capacity_of_zero() -> None:
    assert looks(tracking(low_periods=1), group(0), 50) == [0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emits(Scripted):
    """Emits what it is told to at each second of the simulation."""

    datapoint: Callable[[float], Datapoint]
    warmup_seconds: float = 0
    watches: bool = False

    def steer(self, farm: Farm) -> None:
        follow(
            farm,
            TargetTracking(target=TARGET, behaviour=farm.behaviour),
            lambda: self.datapoint(farm.agenda.now),
            warmup_seconds=self.warmup_seconds,
            watches=self.watches,
        )


def desired(policy: Emits, behaviour: AwsBehaviour) -> dict[float, int]:
    """The group's, in the first ten minutes of a farm that has nothing to do."""
    idle = Workload(name="idle", jobs=(SimulatedJob(arrives=10_000, bake_seconds=1, frame_seconds=(1,)),))
    outcome = simulate(idle, policy, behaviour=behaviour, limit_seconds=600)
    return {sample.at: sample.desired for sample in outcome.samples}


QUICK = AwsBehaviour(high_periods=1, low_periods=1)


def test_the_step_policy_grows_at_once_and_tracking_looks_later() -> None:
    policy = Emits(datapoint=lambda now: Datapoint(metric=500 if now == 60 else 100, grow_to=2))
    slow = AwsBehaviour(high_periods=1, step_alarm_seconds=5, alarm_phase_seconds=61)
    # grown to 2 at 65; the look of 121 multiplies by 5, which the step policy of 125 takes back again
    assert [desired(policy, slow)[at] for at in (60, 120, 180)] == [0, 2, 2]
    assert desired(policy, AwsBehaviour(high_periods=1, step_alarm_seconds=61))[120] == 5


def test_nothing_emitted_and_nothing_to_grow_to_leaves_all_as_it_is() -> None:
    policy = Emits(datapoint=lambda now: Datapoint(metric=None, grow_to=3 if now == 60 else 0))
    assert set(desired(policy, QUICK).values()) == {0, 3}
    assert desired(policy, QUICK)[600] == 3


def test_the_step_policy_never_passes_the_maximum() -> None:
    policy = Emits(datapoint=lambda now: Datapoint(metric=None, grow_to=50))
    assert desired(policy, QUICK)[120] == 20


def test_the_alarms_look_a_little_after_the_datapoint() -> None:
    policy = Emits(datapoint=lambda now: Datapoint(metric=100 if now > 60 else 200))
    assert (desired(policy, QUICK)[60], desired(policy, QUICK)[120]) == (0, 2)
    late = AwsBehaviour(high_periods=1, alarm_phase_seconds=61)
    assert (desired(policy, late)[120], desired(policy, late)[180]) == (0, 2)


def test_who_watches_does_so_every_ten_seconds_from_an_upload_on_until_all_is_settled() -> None:
    """A job arrives at 161: heard of at 166, and watched; the minute's run of 180 takes over."""
    measured: list[float] = []

    def measure(now: float) -> Datapoint:
        measured.append(now)
        return Datapoint(metric=100, unsettled=161 < now < 250)

    job = SimulatedJob(arrives=161, bake_seconds=1, frame_seconds=(1,))
    policy = Emits(datapoint=measure, watches=True)
    simulate(Workload(name="late", jobs=(job,)), policy, limit_seconds=299)
    promised = 186  # by the upload's run, before the minute's took over
    assert measured == [60, 120, 166, 176, 180, promised, *range(190, 231, 10), 240, 250]


def test_of_many_uploads_one_is_watched_and_all_are_seen() -> None:
    """The look at 145 sees those that come soon after the first one; one that comes later is looked at."""
    measured: list[float] = []

    def measure(now: float) -> Datapoint:
        measured.append(now)
        return Datapoint(metric=100, unsettled=130 < now < 140)

    arrivals = (130, 131, 132, 139, 150)
    jobs = tuple(SimulatedJob(arrives=at, bake_seconds=1, frame_seconds=(1,)) for at in arrivals)
    policy = Emits(datapoint=measure, watches=True)
    simulate(Workload(name="many", jobs=jobs), policy, limit_seconds=179)
    assert measured == [60, 120, 135, 145, 155]


def test_who_does_not_watch_measures_once_a_minute() -> None:
    measured: list[float] = []

    def measure(now: float) -> Datapoint:
        measured.append(now)
        return Datapoint(metric=100, unsettled=True)

    job = SimulatedJob(arrives=130, bake_seconds=1, frame_seconds=(1,))
    simulate(Workload(name="late", jobs=(job,)), Emits(datapoint=measure), limit_seconds=250)
    assert measured == [60, 120, 180, 240]


def test_tracking_looks_once_a_minute_however_often_it_is_measured() -> None:
    policy = Emits(datapoint=lambda now: Datapoint(metric=200), watches=True)
    job = SimulatedJob(arrives=10, bake_seconds=1, frame_seconds=(1,))
    outcome = simulate(Workload(name="now", jobs=(job,)), policy, limit_seconds=240)
    assert [sample.desired for sample in outcome.samples] == [0, 0, 0, 2]


def test_no_scale_in_until_the_last_machine_has_warmed_up() -> None:
    """Grown at 70, run at 115, warm at 415: the look at 440 is the first that may take them."""
    policy = Emits(
        datapoint=lambda now: Datapoint(metric=0, grow_to=2 if now == 60 else 0), warmup_seconds=300
    )
    at = desired(policy, QUICK)
    assert (at[120], at[420], at[480]) == (2, 2, 0)


def test_it_is_told_how_often_tracking_scaled_in() -> None:
    policy = Emits(datapoint=lambda now: Datapoint(metric=0, grow_to=2 if now in {60, 240} else 0))
    job = SimulatedJob(arrives=10_000, bake_seconds=1, frame_seconds=(1,))
    outcome = simulate(Workload(name="idle", jobs=(job,)), policy, behaviour=QUICK, limit_seconds=600)
    assert outcome.lowered == 2


def acted(*looks: tuple[float, bool]) -> list[float]:
    """When a step policy's alarm acted, of looks at moments with a breach or none."""
    alarm = StepAlarm()
    return [at for at, breached in looks if alarm.acts(at, breached)]


def test_a_step_alarm_that_stays_on_acts_once_a_minute() -> None:
    assert acted(*((at, True) for at in range(10, 150, 10))) == [10, 70, 130]


def test_a_step_alarm_that_went_off_acts_at_once() -> None:
    assert acted((10, True), (20, True), (30, False), (40, True)) == [10, 40]


def test_a_step_alarm_goes_off_when_nothing_is_emitted() -> None:
    """As between an upload's measure and the next minute's."""
    assert acted((10, True), (45, True), (55, True)) == [10, 45]
