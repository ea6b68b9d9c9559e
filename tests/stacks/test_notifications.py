from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from contract.job import JobState
from contract.table import counter_key, job_key
from contract.worker_record import worker_key
from tests.support.synthesized import Resource, synthesized

SOURCE = "Monitoring/Notifications/NotifyPeople/DynamoDBEventSource"


def source() -> Resource:
    (found,) = [r for r in synthesized().resources("AWS::Lambda::EventSourceMapping") if SOURCE in r.name]
    return found


def lets_through(record: Mapping[str, Any]) -> bool:
    """As Lambda matches a record: one of the patterns is enough."""
    filters = source().properties["FilterCriteria"]["Filters"]
    return any(_matches(json.loads(each["Pattern"]), record) for each in filters)


def _matches(pattern: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    return all(
        _matches(wanted, value.get(name) or {})
        if isinstance(wanted, dict)
        else _one_of(wanted, value.get(name))
        for name, wanted in pattern.items()
    )


def _one_of(wanted: list[Any], value: Any) -> bool:
    """A filter on what is not there never holds, not even `anything-but`."""
    return value is not None and any(
        value not in each["anything-but"] if isinstance(each, dict) else value == each for each in wanted
    )


def record(
    was: str | None, state: str, key: Mapping[str, str] | None = None, name: str = "MODIFY"
) -> dict[str, Any]:
    images = {"OldImage": {"state": {"S": was}}} if was else {}
    keys = {name: {"S": value} for name, value in (key or job_key("a")).items()}
    return {
        "eventName": "INSERT" if was is None else name,
        "dynamodb": {"Keys": keys, "NewImage": {"state": {"S": state}}, **images},
    }


@pytest.mark.parametrize(
    ("was", "state", "told"),
    [
        ("FINISHING", "DONE", True),
        ("FINISHING", "DONE_WITH_FAILURES", True),
        ("RENDERING", "FAILED", True),
        ("QUEUED", "HELD", True),
        ("DONE_WITH_FAILURES", "DONE", True),
        (None, "FAILED", True),  # an upload that is refused
        (None, "QUEUED", False),
        ("QUEUED", "BAKING", False),
        ("RENDERING", "CANCELED", False),
        *((state, state, False) for state in JobState),  # only the cost was noted, say
    ],
)
def test_the_filter_lets_through_what_is_told(was: str | None, state: str, told: bool) -> None:
    assert lets_through(record(was, state)) == told


def test_frames_counters_and_workers_start_no_run() -> None:
    for key in (counter_key("a", 0), {"pk": "JOB#a#0", "sk": "FRAME#0000001"}, worker_key("i-1")):
        assert not lets_through(record("WAITING", "FAILED", key))
        assert not lets_through(record(None, "DONE", key))


def test_lambda_takes_no_more_filters_than_five() -> None:
    assert len(source().properties["FilterCriteria"]["Filters"]) <= 5


def test_a_change_that_cannot_be_told_holds_up_the_others_for_a_while_only() -> None:
    properties = source().properties
    assert properties["EventSourceArn"] == "Storage/JobTable.StreamArn"
    assert properties["BatchSize"] == 1, "a run that is repeated repeats nothing else"
    assert 0 < properties["MaximumRetryAttempts"] < 100
    assert 0 < properties["MaximumRecordAgeInSeconds"] <= 3600
    kept = properties["DestinationConfig"]["OnFailure"]["Destination"]
    assert kept == "arn:Monitoring/Notifications/Untold"


def test_the_first_change_after_a_deploy_is_told() -> None:
    """LATEST begins some minutes after a mapping is made, wherever the stream is then."""
    assert source().properties["StartingPosition"] == "TRIM_HORIZON"


def test_the_stream_has_what_a_record_was_and_is() -> None:
    table = synthesized().resource("AWS::DynamoDB::Table", "Storage/JobTable")
    assert table.properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_an_address_is_told_if_there_is_one() -> None:
    assert not list(synthesized().resources("AWS::SNS::Subscription"))
    farm = synthesized(blender_node_image_id="ami-0123456789abcdef0", notification_email="film@example.com")
    (email,) = farm.resources("AWS::SNS::Subscription")
    assert email.properties == {
        "Protocol": "email",
        "Endpoint": "film@example.com",
        "TopicArn": "Storage/NotificationTopic",
    }
