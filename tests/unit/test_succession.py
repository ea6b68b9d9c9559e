"""Machines of an older version make way for those of the deployed one: which, when, and never in a circle."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from contract.fleet_version import FleetVersion
from tests.support.measured_farm import MeasuredFarm, measured_farm
from tests.support.timed_fleet import POLL_SECONDS, Fleet, Time
from tests.support.unruly_group import END, HOOK, THROTTLED, refusal
from worker_agent.scale_in.idle_worker import END_SECONDS
from worker_agent.scale_in.succession import ASK_SECONDS, SPREAD_SECONDS, Succession, may_go

DEPLOYED_AT = 1_800_000_000
SAID = FleetVersion(worker_version="new", deploy_version="deploy-1", since=DEPLOYED_AT)
LATER = DEPLOYED_AT + SPREAD_SECONDS


def goes(said: FleetVersion = SAID, *, own: str = "old", launched: float = -1, now: float = LATER) -> bool:
    """`launched` in seconds after the deploy."""
    return may_go(said, worker_id="i-1", own_version=own, launched_at=DEPLOYED_AT + launched, now=now)


def test_who_is_of_yesterday_goes_and_who_is_of_today_stays() -> None:
    assert goes()
    assert not goes(own="new")
    assert not goes(FleetVersion()), "nobody has said anything"


@pytest.mark.parametrize("launched", [0, 1, 3600])
def test_what_was_launched_since_is_what_there_is_and_never_goes(launched: float) -> None:
    """Or a half deploy, whose template still gives the old version, would replace machines for ever."""
    assert not goes(launched=launched, now=LATER + 86_400)


def test_they_go_one_after_another_and_all_within_the_spread() -> None:
    def gone(now: float) -> int:
        return sum(
            may_go(SAID, worker_id=f"i-{n:017x}", own_version="old", launched_at=0, now=DEPLOYED_AT + now)
            for n in range(1000)
        )

    counts = [gone(SPREAD_SECONDS * tenth / 10) for tenth in range(11)]
    assert counts[0] <= 1 and counts[-1] == 1000
    assert all(60 <= later - sooner <= 140 for sooner, later in pairwise(counts))


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    with measured_farm() as farm:
        farm.put(SAID.to_item())
        yield farm


class Asking:
    """A table that counts how often it is asked, and does not answer when told."""

    def __init__(self, farm: MeasuredFarm) -> None:
        self.dynamodb, self.asked, self.error = farm.aws.dynamodb, 0, False

    def get_item(self, **arguments: Any) -> Any:
        self.asked += 1
        if self.error:
            raise OSError("no route to host")
        return self.dynamodb.get_item(**arguments)


def succession(farm: MeasuredFarm, asking: Any, clock: Time) -> Succession:
    return Succession(
        asking,
        table=farm.aws.job_table_name,
        worker_id="i-1",
        own_version="old",
        launched_at=lambda: DEPLOYED_AT - 60,
        now=lambda: LATER,
        clock=clock,
    )


def test_it_asks_once_a_minute_and_nothing_is_known_while_the_table_is_silent(
    farm: MeasuredFarm, caplog: pytest.LogCaptureFixture
) -> None:
    asking, clock = Asking(farm), Time()
    asking.error = True
    watch = succession(farm, asking, clock)
    for _ in range(5):
        assert not watch.is_due()
    assert asking.asked == 1
    clock.sleep(2 * ASK_SECONDS)
    assert not watch.is_due()
    assert caplog.text.count("it is not known of which version") == 1, "said once"
    asking.error = False
    clock.sleep(2 * ASK_SECONDS)
    assert watch.is_due()


def test_nobody_goes_once_a_machine_of_the_new_version_could_not_be_set_up(
    farm: MeasuredFarm, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Time()
    watch = succession(farm, farm.aws.dynamodb, clock)
    farm.fail_boot("i-9", deploy="deploy-0")
    assert watch.is_due(), "that was another deploy's"
    farm.fail_boot("i-9", deploy="deploy-1")
    clock.sleep(2 * ASK_SECONDS)
    with caplog.at_level(logging.INFO):
        assert not watch.is_due()
    assert "version new is deployed, but 1 machine could not be set up" in caplog.text


def test_a_version_that_is_taken_back_is_no_reason_any_more(farm: MeasuredFarm) -> None:
    clock = Time()
    watch = succession(farm, farm.aws.dynamodb, clock)
    assert watch.is_due()
    farm.put({**SAID.to_item(), "worker_version": "old"})
    clock.sleep(2 * ASK_SECONDS)
    assert not watch.is_due()


def kinds(fleet: Fleet) -> list[str]:
    return [kind for kind, _ in fleet.group.calls if kind in (END, HOOK)]


def test_a_task_in_hand_is_done_first_and_another_machine_takes_the_place() -> None:
    deployed = False

    def deploy(_: str) -> None:
        nonlocal deployed
        deployed = True

    fleet = Fleet(("a",), during=deploy, superseded=lambda _: deployed)
    for _ in range(3):
        fleet.queue.send()
    fleet.run(60)
    assert fleet.worked == [("a", True)]
    assert len(fleet.queue.waiting) == 2, "they wait for the next machine"
    assert kinds(fleet) == [END, HOOK]
    assert fleet.group.desired == 1


def test_an_idle_one_goes_and_no_other_comes() -> None:
    fleet = Fleet(("a",), superseded=lambda _: True)
    fleet.run(60)
    assert kinds(fleet) == [END, HOOK]
    assert fleet.group.desired == 0


@pytest.mark.parametrize(("tasks", "desired"), [(0, 1), (1, 1), (2, 2), (9, 2)])
def test_of_two_machines_one_goes_and_is_replaced_if_there_is_a_task_for_each(
    tasks: int, desired: int
) -> None:
    fleet = Fleet(("a", "b"), superseded=lambda name: name == "b")
    for _ in range(tasks):
        fleet.queue.send()
    fleet.step("b")
    assert fleet.group.ended == ["b"]
    assert fleet.group.desired == desired


@pytest.mark.parametrize("trouble", [THROTTLED, refusal("ValidationError", "desiredSize equals minSize")])
def test_a_group_that_does_not_let_it_go_gets_its_work_done_meanwhile(trouble: Exception) -> None:
    fleet = Fleet(("a",), superseded=lambda _: True)
    fleet.group.troubles[END] = [trouble]
    fleet.queue.send()
    fleet.queue.receive(wait_seconds=0, lease_seconds=0)  # another machine's: no idle one is too many
    fleet.queue.send()
    fleet.step("a")
    assert fleet.worked == [("a", True)]
    fleet.run_until(lambda: fleet.group.ended)
    assert fleet.group.count(END) == 2


def test_a_machine_whose_end_does_not_come_works_again() -> None:
    fleet = Fleet(("a",), superseded=lambda _: True, notices=False)
    fleet.step("a")
    fleet.queue.send()
    fleet.run(END_SECONDS - POLL_SECONDS)
    assert fleet.worked == []
    assert fleet.group.count(END) == 1
