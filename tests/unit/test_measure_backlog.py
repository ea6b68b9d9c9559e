"""The Lambda that measures the backlog, under moto: what it reads, emits, and says to jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from contract.job import JobState, timestamp
from contract.settings import BacklogSettings
from contract.table import counter_key, job_key, shard_of, shard_totals
from contract.worker_record import STALE_SECONDS, Doing, WorkerRecord
from functions.measure_backlog import handler
from functions.measure_backlog.observation import GroupMissingError, observe
from functions.measure_backlog.work import look
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from worker_agent.frame_store import FrameStore

GROUP, HANDLER = "workers", handler.__name__
NO_SPOT = (
    "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request"
    " configuration. Please adjust your request and try again. Launching EC2 instance failed."
)


class Autoscaling:
    """An Auto Scaling client that knows one group, and misbehaves when told."""

    def __init__(self) -> None:
        self.desired, self.states = 0, ["InService"]
        self.activities: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.asked: list[str] = []

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> Any:  # noqa: N803 - as boto3
        (name,) = AutoScalingGroupNames
        overrides = [{"InstanceType": "m6i.2xlarge"}, {"InstanceType": "m5.2xlarge"}]
        group = {
            "DesiredCapacity": self.desired,
            "Instances": [{"LifecycleState": state} for state in self.states],
            "AvailabilityZones": ["eu-central-1a"],
            "MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": overrides}},
        }
        return {"AutoScalingGroups": [group] if name == GROUP else []}

    def describe_scaling_activities(self, AutoScalingGroupName: str, MaxRecords: int) -> Any:  # noqa: N803
        self.asked.append(AutoScalingGroupName)
        if self.error:
            raise self.error
        return {"Activities": self.activities[:MaxRecords]}

    def refuse(self, message: str = NO_SPOT, *, ago_seconds: int = 10) -> None:
        at = datetime.now(UTC) - timedelta(seconds=ago_seconds)
        self.activities.insert(
            0,
            {
                "Description": "Launching a new EC2 instance.  Status Reason: " + message,
                "StatusCode": "Failed",
                "StatusMessage": message,
                "StartTime": at,
            },
        )


class Farm:
    def __init__(self, aws: AwsEdges) -> None:
        self.aws = aws
        self.autoscaling = Autoscaling()

    def job(self, job_id: str, state: JobState = JobState.QUEUED, **attributes: Any) -> None:
        now = timestamp(datetime.now(UTC) - timedelta(minutes=10))
        job = a_job(job_id, **{"state": state, "created_at": now, "updated_at": now, **attributes})
        self.put({**job_key(job_id), **job.to_item()})

    def rendering(self, job_id: str, *, frames: int, done: Sequence[float] = (), shards: int = 3) -> None:
        """A job of so many frames, of which some took so many seconds; written as the counters are then."""
        self.job(job_id, JobState.RENDERING, shards=shards, frame_count=frames)
        totals = shard_totals(range(1, frames + 1), shards)
        counted: list[dict[str, Any]] = [
            {"total": total, "done": 0, "seconds": Decimal(0)} for total in totals
        ]
        for number, seconds in enumerate(done, 1):
            counter = counted[shard_of(number, shards)]
            counter["done"] += 1
            counter["seconds"] += Decimal(f"{seconds:.3f}")
        for shard, counter in enumerate(counted):
            self.put({**counter_key(job_id, shard), **counter})

    def worker(
        self, name: str, doing: Doing, job_id: str = "", *, since: float = 0, seen: float = 0, **said: Any
    ) -> None:
        """Times are seconds ago."""
        now = time.time()
        said |= {"since": int(now - since), "seen_at": int(now - seen)}
        self.put(WorkerRecord(worker_id=name, doing=doing, job_id=job_id, **said).to_item())

    def put(self, item: dict[str, Any]) -> None:
        self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item=item)

    def item(self, job_id: str) -> dict[str, Any]:
        answer = self.aws.dynamodb.get_item(TableName=self.aws.job_table_name, Key=job_key(job_id))
        item: dict[str, Any] = answer["Item"]
        return item

    def waiting_for(self, job_id: str) -> str:
        return str(self.item(job_id).get("waiting_for", ""))

    def send(self, queue_url: str, count: int) -> None:
        for number in range(count):
            self.aws.sqs.send_message(QueueUrl=queue_url, MessageBody=str(number))

    def emitted(self) -> dict[str, float]:
        """The newest value of each metric."""
        now = datetime.now(UTC)
        found = {}
        for metric in self.aws.cloudwatch.list_metrics(Namespace="Studio")["Metrics"]:
            assert metric["Dimensions"] == [{"Name": "Fleet", "Value": GROUP}]
            points = self.aws.cloudwatch.get_metric_statistics(
                Namespace="Studio",
                MetricName=metric["MetricName"],
                Dimensions=metric["Dimensions"],
                StartTime=now - timedelta(minutes=5),
                EndTime=now + timedelta(minutes=1),
                Period=600,
                Statistics=["Maximum"],
            )["Datapoints"]
            found[metric["MetricName"]] = points[-1]["Maximum"]
        return found


@pytest.fixture
def farm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    with aws_edges() as aws:
        farm = Farm(aws)
        settings = BacklogSettings(
            job_table_name=aws.job_table_name,
            bake_queue_url=aws.bake_queue_url,
            render_queue_url=aws.render_queue_url,
            urgent_queue_url=aws.urgent_queue_url,
            worker_asg_name=GROUP,
            cloudwatch_namespace="Studio",
            acceptable_latency_seconds=600,
            worker_start_seconds=1,
            frame_queue_bpi=2,
            project_init_queue_bpi=1,
            worker_node_max_count=50,
        )
        for name, value in settings.to_env().items():
            monkeypatch.setenv(name, value)
        client = handler._client
        _forget()

        def client_of(service: str) -> Any:
            return farm.autoscaling if service == "autoscaling" else client(service)

        monkeypatch.setattr(handler, "_client", client_of)
        yield farm
        monkeypatch.undo()
        _forget()


def _forget() -> None:
    for cached in (handler._settings, handler._client, handler._records):
        cached.cache_clear()


def measure() -> dict[str, Any]:
    return handler.handle({}, None)


def test_an_idle_farm_wants_nobody_says_so_and_reads_no_table(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARM_JOB_TABLE_NAME", "a-table-that-is-not-there")
    assert measure() == {
        "tasks": 0,
        "backlog_seconds": 0.0,
        "wanted_workers": 0,
        "backlog_per_instance": 0.0,
        "grow_to": 0,
        "refused": "",
    }
    assert farm.emitted() == {
        "BacklogPerInstance": 0,
        "BacklogSeconds": 0,
        "WantedWorkers": 0,
        "GrowTo": 0,
        "CapacityRefused": 0,
    }


def test_work_in_all_queues_counts_held_tasks_too(farm: Farm) -> None:
    """The original counted visible messages only: with every worker busy the fleet was sent home."""
    farm.send(farm.aws.bake_queue_url, 1)
    farm.send(farm.aws.render_queue_url, 3)
    farm.send(farm.aws.urgent_queue_url, 2)
    held = farm.aws.sqs.receive_message(QueueUrl=farm.aws.render_queue_url, MaxNumberOfMessages=2)["Messages"]
    assert held
    answer = measure()
    assert answer["tasks"] == 6
    assert answer["grow_to"] == answer["wanted_workers"] == farm.emitted()["GrowTo"] > 1


def test_capacity_asked_for_counts_before_it_is_there(farm: Farm) -> None:
    farm.send(farm.aws.render_queue_url, 4)
    farm.autoscaling.desired, farm.autoscaling.states = 2, []
    answer = measure()
    assert not answer["grow_to"]
    assert answer["backlog_per_instance"] == pytest.approx(600, abs=1)


def test_the_backlog_is_seconds_of_the_frames_that_are_left(farm: Farm) -> None:
    """One job's frames take 20 s, another's 200 s; of a third nobody knows."""
    farm.rendering("quick", frames=120, done=[20.0] * 20)
    farm.rendering("slow", frames=14, done=[150.0, 250.0] * 2)
    farm.rendering("new", frames=5)
    farm.job("baking", JobState.BAKING, shards=2)  # of an earlier run: its counters are no backlog
    farm.send(farm.aws.render_queue_url, 10)
    farm.autoscaling.desired = 1
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100 * 20 + 10 * 200, rel=0.25)


def test_what_workers_record_is_what_is_read(farm: Farm) -> None:
    """Frames that failed are left no more, and took no time that counts."""
    farm.rendering("a", frames=10)
    worker = FrameStore(farm.aws.dynamodb, farm.aws.job_table_name, "i-1", lambda _: None)
    job = a_job("a", shards=3)
    for frame in range(1, 5):
        assert worker.record_done(job, frame, files=[], seconds=30, blender_version="5.0.1")
    for frame in range(5, 10):
        assert worker.record_failed(job, frame, reason="crash")
    farm.send(farm.aws.render_queue_url, 1)
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(30, rel=0.25)


def test_frames_that_are_being_rendered_tell_how_long_they_take_before_one_is_done(farm: Farm) -> None:
    farm.rendering("long", frames=4)
    farm.worker("i-1", Doing.RENDER, "long", since=1000)
    farm.worker("i-2", Doing.RENDER, "long", since=3000)
    farm.worker("i-3", Doing.BAKE, "long", since=90_000)
    farm.worker("i-4", Doing.IDLE, since=90_000)
    farm.worker("gone", Doing.RENDER, "long", since=90_000, seen=STALE_SECONDS + 5)
    farm.send(farm.aws.render_queue_url, 4)
    farm.autoscaling.desired = 2
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(4 * 2000, rel=0.25)


def test_what_workers_last_frames_took_counts_when_the_scene_grows_heavier(farm: Farm) -> None:
    farm.rendering("smoke", frames=50, done=[1.0] * 40)
    for number in range(8):
        farm.worker(f"i-{number}", Doing.RENDER, "smoke", recent_seconds=(100.0,))
    farm.worker("gone", Doing.IDLE, "smoke", recent_seconds=(5000.0,), seen=STALE_SECONDS + 5)
    farm.worker("elsewhere", Doing.RENDER, "other", recent_seconds=(5000.0,))
    farm.send(farm.aws.render_queue_url, 10)
    farm.autoscaling.desired = 8
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(10 * 100, rel=0.1)


def test_more_jobs_and_shards_than_one_call_reads(farm: Farm) -> None:
    for number in range(4):
        farm.rendering(f"job-{number}", frames=40, done=[10.0] * 20, shards=32)
    farm.send(farm.aws.render_queue_url, 4)
    farm.autoscaling.desired = 1
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(4 * 20 * 10, rel=0.1)


def test_counters_that_dynamodb_left_out_are_asked_for_again_and_at_last_nothing_is_emitted(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm.rendering("a", frames=20, done=[10.0] * 10, shards=8)
    farm.send(farm.aws.render_queue_url, 1)
    records = handler._records()
    client, waits = _Sparing(records._dynamodb), list[float]()
    monkeypatch.setattr(records, "_dynamodb", client)
    monkeypatch.setattr(records, "_sleep", waits.append)
    client.gives = 3
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100, rel=0.1)
    assert len(waits) == 2
    before = farm.emitted()
    client.gives = 0
    with pytest.raises(OSError, match="8 counters stayed unread after 5 tries"):
        measure()
    assert farm.emitted() == before


class _Sparing:
    """A DynamoDB client that gives a few items of a batch and leaves the others for the next call."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.gives = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_get_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - as boto3 has it
        ((table, wanted),) = RequestItems.items()
        now, later = wanted["Keys"][: self.gives], wanted["Keys"][self.gives :]
        left = {"UnprocessedKeys": {table: {"Keys": later}} if later else {}}
        if not now:
            return {"Responses": {}, **left}
        return {**self._client.batch_get_item(RequestItems={table: {"Keys": now}}), **left}


def test_records_that_make_no_sense_are_left_out(farm: Farm, caplog: pytest.LogCaptureFixture) -> None:
    farm.rendering("good", frames=20, done=[10.0] * 10)
    farm.job("bad", JobState.RENDERING)
    farm.put({**farm.item("bad"), "shards": "many"})
    newer = WorkerRecord(worker_id="i-8", doing=Doing.IDLE, since=1, seen_at=int(time.time()))
    farm.put({**newer.to_item(), "doing": "NAP"})
    farm.worker("i-9", Doing.RENDER, "good")
    farm.send(farm.aws.render_queue_url, 1)
    measure()
    assert farm.emitted()["BacklogSeconds"] == pytest.approx(100, rel=0.25)
    assert caplog.text.count("left out a record that makes no sense") == 2


def test_on_an_error_nothing_is_emitted(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.send(farm.aws.render_queue_url, 1)
    with monkeypatch.context() as wrong:
        wrong.setenv("FARM_WORKER_ASG_NAME", "nobody")
        handler._settings.cache_clear()
        with pytest.raises(GroupMissingError, match="no Auto Scaling group nobody"):
            measure()
    handler._settings.cache_clear()
    handler._records.cache_clear()
    monkeypatch.setenv("FARM_JOB_TABLE_NAME", "lost")
    with pytest.raises(Exception, match="ResourceNotFound"):
        measure()
    assert farm.emitted() == {}


class Hours:
    """The clock of a run, which sleep moves on and each measure by so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, measure_seconds: float = 0.5) -> None:
        self.now = 1000.0
        self.measured_at: list[float] = []
        monkeypatch.setattr(f"{HANDLER}.monotonic", lambda: self.now)
        monkeypatch.setattr(f"{HANDLER}.sleep", self.sleep)
        observed = observe

        def note(*arguments: Any, **values: Any) -> Any:
            self.measured_at.append(self.now - 1000)
            self.now += measure_seconds
            return observed(*arguments, **values)

        monkeypatch.setattr(f"{HANDLER}.observe", note)

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class TestWatch:
    """What the schedule asks for: a minute of measures while there is work."""

    def test_work_is_looked_at_every_ten_seconds(self, farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
        hours = Hours(monkeypatch)
        farm.send(farm.aws.render_queue_url, 1)
        handler.handle({"watch": True}, None)
        assert hours.measured_at == [0, 10, 20, 30, 40, 50]

    def test_slow_measures_never_reach_into_the_next_minute(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hours = Hours(monkeypatch, measure_seconds=24)
        farm.send(farm.aws.render_queue_url, 1)
        handler.handle({"watch": True}, None)
        assert hours.measured_at == [0, 30]

    @pytest.mark.parametrize("event", [{}, None, {"watch": False}])
    def test_who_asks_by_hand_is_answered_at_once(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any] | None
    ) -> None:
        hours = Hours(monkeypatch)
        farm.send(farm.aws.render_queue_url, 1)
        handler.handle(event, None)
        assert hours.measured_at == [0]

    def test_an_idle_farm_is_measured_once_and_work_that_ends_is_let_be(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hours = Hours(monkeypatch)
        handler.handle({"watch": True}, None)
        assert hours.measured_at == [0]
        farm.send(farm.aws.render_queue_url, 1)
        looks = iter([None, None, lambda: farm.aws.sqs.purge_queue(QueueUrl=farm.aws.render_queue_url)])
        slept = hours.sleep

        def sleep(seconds: float) -> None:
            slept(seconds)
            if happens := next(looks):
                happens()

        monkeypatch.setattr(f"{HANDLER}.sleep", sleep)
        hours.now, hours.measured_at = 1000.0, []
        handler.handle({"watch": True}, None)
        assert hours.measured_at == [0, 10, 20, 30]

    def test_tracking_gets_one_measure_a_minute_and_the_steps_each(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Hours(monkeypatch)
        farm.send(farm.aws.render_queue_url, 1)
        sent: list[dict[str, int]] = []
        put = handler._client("cloudwatch").put_metric_data

        def note(**values: Any) -> None:
            sent.append({datum["MetricName"]: datum["StorageResolution"] for datum in values["MetricData"]})
            put(**values)

        monkeypatch.setattr(handler._client("cloudwatch"), "put_metric_data", note)
        handler.handle({"watch": True}, None)
        assert sent[0] == {
            "BacklogPerInstance": 60,
            "BacklogSeconds": 60,
            "WantedWorkers": 60,
            "GrowTo": 1,
            "CapacityRefused": 60,
        }
        assert sent[1:] == [{"GrowTo": 1}] * 5


class TestNoCapacity:
    @pytest.fixture(autouse=True)
    def short_of_machines(self, farm: Farm) -> None:
        farm.send(farm.aws.render_queue_url, 6)
        farm.autoscaling.desired, farm.autoscaling.states = 3, ["InService", "Terminating:Wait"]

    def test_the_jobs_that_wait_say_why(self, farm: Farm) -> None:
        for job_id, state in (
            ("queued", JobState.QUEUED),
            ("rendered", JobState.RENDERING),
            ("lost", JobState.RENDERING),
            ("held", JobState.HELD),
            ("over", JobState.DONE),
        ):
            farm.job(job_id, state)
        farm.worker("i-1", Doing.RENDER, "rendered")
        before = farm.item("queued")
        farm.autoscaling.refuse()
        why = measure()["refused"]
        assert why == (
            "AWS has no Spot machine of these types free now (m6i.2xlarge, m5.2xlarge)"
            " in these zones (eu-central-1a): it is asked again until there is one"
        )
        assert farm.autoscaling.asked == [GROUP]
        assert farm.emitted()["CapacityRefused"] == 1
        assert farm.waiting_for("queued") == farm.waiting_for("lost") == why
        assert {farm.waiting_for(job_id) for job_id in ("rendered", "held", "over")} == {""}
        assert {**farm.item("queued"), "waiting_for": ""} == before, "nothing else moves"

    def test_it_is_written_once_and_taken_off_when_capacity_comes(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        farm.job("a")
        farm.autoscaling.refuse()
        writes: list[tuple[str, str]] = []
        records = handler._records()
        say = records.say_what_it_waits_for

        def note(job_id: str, what: str) -> None:
            writes.append((job_id, what))
            say(job_id, what)

        monkeypatch.setattr(records, "say_what_it_waits_for", note)
        for _ in range(3):
            why = measure()["refused"]
        assert writes == [("a", why)]
        farm.autoscaling.states = ["InService", "Pending", "Pending:Wait"]
        measure()
        assert writes == [("a", why), ("a", "")]
        assert farm.waiting_for("a") == ""

    def test_a_job_that_ended_meanwhile_is_left_as_it_is(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        farm.job("a")
        farm.job("b")
        farm.autoscaling.refuse()

        def ended_meanwhile(*arguments: Any) -> Any:
            work = look(*arguments)
            farm.job("a", JobState.CANCELED)
            return work

        monkeypatch.setattr(f"{HANDLER}.look", ended_meanwhile)
        measure()
        assert farm.waiting_for("a") == ""
        assert farm.item("a")["state"] == "CANCELED"
        assert farm.waiting_for("b")

    def test_a_refusal_from_before_the_jobs_says_nothing_of_now(self, farm: Farm) -> None:
        farm.job("a")  # ten minutes ago
        farm.autoscaling.refuse(ago_seconds=3600)
        measure()
        assert farm.waiting_for("a") == ""
        assert farm.emitted()["CapacityRefused"] == 0

    def test_the_metrics_are_emitted_even_if_the_reason_cannot_be_had(
        self, farm: Farm, caplog: pytest.LogCaptureFixture
    ) -> None:
        farm.job("a", waiting_for="no Spot machine")
        farm.autoscaling.error = RuntimeError("no such action")
        assert measure()["tasks"] == 6
        assert farm.emitted().keys() == {
            "BacklogPerInstance",
            "BacklogSeconds",
            "WantedWorkers",
            "GrowTo",
        }
        assert "it could not be told why" in caplog.text
        assert farm.waiting_for("a") == "no Spot machine", "what was known stays"

    def test_a_group_that_has_what_it_wants_is_not_asked(self, farm: Farm) -> None:
        farm.job("a")
        farm.autoscaling.states = ["InService"] * 3
        farm.autoscaling.refuse()
        measure()
        assert farm.autoscaling.asked == []
        assert farm.emitted()["CapacityRefused"] == 0
