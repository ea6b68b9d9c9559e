"""Machines that cannot be set up: when no more are started, what the jobs say of it, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from contract.boot import LONGEST_REASON, FailedBoots, boot_key
from contract.fleet_version import FleetVersion
from contract.job import JobState
from contract.scaling import UPLOADED_EVENT, WATCH_EVENT
from contract.worker_record import Doing
from farm.failed_boots import NothingHeldError, resume
from functions.measure_backlog.handler import NoMachineComesUpError
from tests.support.measured_farm import MeasuredFarm, measured_farm
from worker_agent.host.boot_record import BootRecord

WHY = (
    "no machine is started any more: 3 machines in a row could not be set up; the last said: mount refused"
    " (machine and log stream i-c): mend that and deploy the change, or `farm resume` has it tried again"
)


@pytest.fixture
def farm() -> Iterator[MeasuredFarm]:
    """A job's six frames wait, four machines are wanted, and one boots."""
    with measured_farm() as farm:
        farm.send(farm.aws.render_queue_url, 6)
        farm.job("waits", JobState.RENDERING)
        farm.autoscaling.desired, farm.autoscaling.states = 4, ["InService"]
        yield farm


def three_fail(farm: MeasuredFarm, **boot: Any) -> None:
    for worker in ("i-a", "i-b", "i-c"):
        farm.fail_boot(worker, **boot)


def boot_record(farm: MeasuredFarm, dynamodb: Any = None) -> BootRecord:
    return BootRecord(dynamodb or farm.aws.dynamodb, table=farm.aws.job_table_name, deploy_version="deploy-1")


def counted(farm: MeasuredFarm) -> FailedBoots:
    answer = farm.aws.dynamodb.get_item(TableName=farm.aws.job_table_name, Key=boot_key("deploy-1"))
    return FailedBoots.from_item(answer.get("Item"))


def test_after_three_in_a_row_nothing_more_is_wanted_and_none_replaced(farm: MeasuredFarm) -> None:
    farm.autoscaling.refuse()  # AWS may refuse some as well: that is not what keeps the job waiting
    three_fail(farm)
    with pytest.raises(NoMachineComesUpError, match="3 machines in a row could not be set up"):
        farm.measure()
    emitted = farm.emitted()
    assert (emitted["WantedWorkers"], emitted["GrowTo"], emitted["BacklogPerInstance"]) == (0, 0, 0)
    assert emitted["CapacityRefused"] == 0
    assert farm.autoscaling.sets == [0], "the group would replace the machine that ends itself"
    assert farm.waiting_for("waits") == WHY
    with pytest.raises(NoMachineComesUpError):
        farm.measure()
    assert farm.autoscaling.sets == [0], "once"


def test_two_in_a_row_are_bad_luck(farm: MeasuredFarm) -> None:
    farm.fail_boot("i-a")
    farm.fail_boot("i-b")
    assert farm.measure()["wanted_workers"] >= 4
    assert (farm.autoscaling.sets, farm.waiting_for("waits")) == ([], "")


def test_those_that_work_go_on_and_count(farm: MeasuredFarm) -> None:
    """Two speak, one of them is of the group no more; the third, which boots, may fail as well."""
    farm.autoscaling.states = ["InService", "InService", "Pending"]
    for name in ("i-0", "i-gone"):
        farm.worker(name, Doing.RENDER, "another")
    three_fail(farm)
    with pytest.raises(NoMachineComesUpError):
        farm.measure()
    assert farm.autoscaling.sets == [1]
    assert farm.emitted()["WantedWorkers"] == 1
    assert farm.waiting_for("waits") == WHY


@pytest.mark.parametrize("event", [{UPLOADED_EVENT: True}, {WATCH_EVENT: True}])
def test_neither_an_upload_nor_a_look_within_the_minute_starts_one(
    farm: MeasuredFarm, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.measure_backlog.handler.watch", lambda backlog, measure, **_: measure())
    farm.autoscaling.desired, farm.autoscaling.states = 0, []
    three_fail(farm)
    if UPLOADED_EVENT in event:
        assert farm.measure(event)["grow_to"] == 0
    else:
        with pytest.raises(NoMachineComesUpError):
            farm.measure(event)
    assert farm.emitted()["GrowTo"] == 0


def test_boots_of_another_deploy_say_nothing_of_this_one(farm: MeasuredFarm) -> None:
    three_fail(farm, deploy="deploy-0")
    assert farm.measure()["wanted_workers"] >= 4
    assert farm.waiting_for("waits") == ""


def test_a_group_that_cannot_be_made_smaller_is_measured_all_the_same(
    farm: MeasuredFarm, caplog: pytest.LogCaptureFixture
) -> None:
    farm.autoscaling.error = RuntimeError("throttled")
    three_fail(farm)
    with pytest.raises(NoMachineComesUpError):
        farm.measure()
    assert farm.emitted()["GrowTo"] == 0
    assert "could not be kept from replacing" in caplog.text
    assert farm.waiting_for("waits") == WHY


def test_resuming_has_them_tried_again_and_says_what_it_forgot(farm: MeasuredFarm) -> None:
    three_fail(farm)
    with pytest.raises(NoMachineComesUpError):
        farm.measure()
    forgotten = resume(farm.aws.dynamodb, farm.aws.job_table_name)
    assert (forgotten.failures, forgotten.worker_id, forgotten.hold) == (3, "i-c", True)
    assert farm.measure()["grow_to"] == 1
    assert farm.waiting_for("waits") == ""
    with pytest.raises(NothingHeldError, match="nothing is held"):
        resume(farm.aws.dynamodb, farm.aws.job_table_name)


def test_there_is_nothing_to_resume_before_any_machine_was_wanted(farm: MeasuredFarm) -> None:
    with pytest.raises(NothingHeldError, match="nothing is held"):
        resume(farm.aws.dynamodb, farm.aws.job_table_name)


def test_a_machine_that_has_done_a_task_clears_the_count_once(farm: MeasuredFarm) -> None:
    record = boot_record(farm)
    three_fail(farm)
    record.has_worked()
    assert counted(farm).failures == 0
    farm.fail_boot("i-d")
    record.has_worked()
    assert counted(farm).failures == 1, "what fails after it is no matter of this machine"


def test_where_none_has_failed_nothing_is_written(farm: MeasuredFarm) -> None:
    boot_record(farm).has_worked()
    answer = farm.aws.dynamodb.get_item(TableName=farm.aws.job_table_name, Key=boot_key("deploy-1"))
    assert "Item" not in answer


def test_what_could_not_be_said_is_said_after_the_next_task(farm: MeasuredFarm) -> None:
    class Silent:
        """A client that answers from the second call on."""

        exceptions = farm.aws.dynamodb.exceptions
        calls = 0

        def update_item(self, **update: Any) -> None:
            self.calls += 1
            if self.calls == 1:
                raise OSError("no route to host")
            farm.aws.dynamodb.update_item(**update)

    record = boot_record(farm, Silent())
    three_fail(farm)
    record.has_worked()
    assert counted(farm).failures == 3
    record.has_worked()
    assert counted(farm).failures == 0


def test_a_reason_is_one_printable_line(farm: MeasuredFarm) -> None:
    boots = FailedBoots.from_item(
        {"failures": Decimal(3), "reason": "no\x1b[2J space\nleft " + "x" * 999, "worker_id": "i-1\r"}
    )
    assert boots.reason.startswith("no [2J space left xxx")
    assert len(boots.reason) == LONGEST_REASON
    assert boots.worker_id == "i-1"
    assert "it did not say why" in FailedBoots(failures=1).words


def test_the_machines_are_told_of_the_version_that_is_deployed(farm: MeasuredFarm) -> None:
    before = FleetVersion(worker_version="worker-0", deploy_version="deploy-0", since=5)
    farm.put(before.to_item())
    assert farm.version() == before
    farm.measure()
    first = farm.version()
    assert (first.worker_version, first.deploy_version) == ("worker-1", "deploy-1")
    assert first.since > 5 and first.deployed_at == first.since
    farm.put({**first.to_item(), "since": 6, "deployed_at": 6, "deploy_version": "deploy-x"})
    farm.measure()
    second = farm.version()
    assert (second.worker_version, second.deploy_version) == ("worker-1", "deploy-1")
    assert second.since == 6, "machines of the same version are not older for another deploy"
    assert second.deployed_at >= first.deployed_at
