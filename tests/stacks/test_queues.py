from __future__ import annotations

from typing import Any

import pytest

from contract.keys import UPLOAD_SUFFIXES, Upload, read_upload_key
from contract.settings import DeadLetterSettings, ListenerSettings
from tests.support.permissions import read_policy
from tests.support.synthesized import Resource, synthesized

TASKS = ("BakeQueue", "RenderQueue", "UrgentQueue")


def queue(name: str) -> Resource:
    return synthesized().resource("AWS::SQS::Queue", f"Queues/{name}")


@pytest.mark.parametrize("name", TASKS)
def test_a_task_comes_back_in_two_minutes_and_circles_long(name: str) -> None:
    properties = queue(name).properties
    assert properties["VisibilityTimeout"] == 120
    assert properties["RedrivePolicy"] == {
        "deadLetterTargetArn": "arn:Queues/DeadLetterQueue",
        "maxReceiveCount": 100,
    }


@pytest.mark.parametrize("name", [*TASKS, "DeadLetterQueue", "UnheardUploads"])
def test_every_queue_keeps_two_weeks_encrypted_over_tls(name: str) -> None:
    assert queue(name).properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue(name).properties["SqsManagedSseEnabled"] is True
    policy = synthesized().resource("AWS::SQS::QueuePolicy", f"Queues/{name}/Policy")
    statements = read_policy(policy.properties["PolicyDocument"])
    assert any(
        s.effect == "Deny"
        and s.conditions == {"Bool": {"aws:SecureTransport": "false"}}
        and s.covers("sqs:SendMessage", f"arn:Queues/{name}")
        for s in statements
    )
    assert not [s for s in statements if s.effect == "Allow"]


def notifications() -> list[dict[str, Any]]:
    (custom,) = synthesized().resources("Custom::S3BucketNotifications")
    found: list[dict[str, Any]] = custom.properties["NotificationConfiguration"][
        "LambdaFunctionConfigurations"
    ]
    return found


def suffixes() -> set[str]:
    rules = [rule for each in notifications() for rule in each["Filter"]["Key"]["FilterRules"]]
    assert {rule["Name"] for rule in rules} == {"suffix"}
    return {rule["Value"] for rule in rules}


def test_s3_tells_the_listener_of_uploads_of_every_kind_and_spelling() -> None:
    for configuration in notifications():
        assert configuration["Events"] == ["s3:ObjectCreated:*"]
        assert configuration["LambdaFunctionArn"] == "arn:Queues/AcceptUpload"
    for suffix in UPLOAD_SUFFIXES:
        for key in (f"a/b{suffix}", f"a/B{suffix.upper()}", f"a/B{suffix.title()}"):
            assert isinstance(read_upload_key(key), Upload)
            assert any(key.endswith(heard) for heard in suffixes()), key


@pytest.mark.parametrize(
    "key",
    [
        "p/output/j/frames/0001.png",
        "p/output/j/preview.mp4",
        "p/output/j/job.json",
        "p/output/j/logs/bake.log",
    ],
)
def test_s3_does_not_wake_the_listener_for_what_a_job_writes(key: str) -> None:
    assert not any(key.endswith(heard) for heard in suffixes())


def test_suffixes_do_not_overlap() -> None:
    """S3 refuses two rules that one key could meet, and more than a hundred."""
    found = suffixes()
    assert len(found) == len(notifications()) <= 100
    assert not [(a, b) for a in found for b in found if a != b and a.endswith(b)]


def test_only_the_bucket_may_call_the_listener() -> None:
    (permission,) = [
        p
        for p in synthesized().resources("AWS::Lambda::Permission")
        if p.properties["FunctionName"] == "arn:Queues/AcceptUpload"
    ]
    assert permission.properties["Principal"] == "s3.amazonaws.com"
    assert permission.properties["SourceArn"] == "arn:Storage/RenderBucket"
    assert permission.properties["SourceAccount"] == "123456789012"


def test_an_event_that_cannot_be_handled_is_kept() -> None:
    configs = [c.properties for c in synthesized().resources("AWS::Lambda::EventInvokeConfig")]
    (config,) = [c for c in configs if c["FunctionName"] == "Queues/AcceptUpload"]
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": "arn:Queues/UnheardUploads"}}


def test_each_function_can_read_its_settings() -> None:
    farm = synthesized()
    listener = farm.resource("AWS::Lambda::Function", "Queues/AcceptUpload").properties
    assert ListenerSettings.from_env(listener["Environment"]["Variables"]) == ListenerSettings(
        job_table_name="Storage/JobTable",
        bake_queue_url="Queues/BakeQueue",
        backlog_function_name="AutoBlenderRender-MeasureBacklog",
    )
    measure = farm.resource("AWS::Lambda::Function", "Scaling/MeasureBacklog").properties
    assert measure["FunctionName"] == "AutoBlenderRender-MeasureBacklog"
    reader = farm.resource("AWS::Lambda::Function", "Queues/SettleDeadLetters").properties
    assert DeadLetterSettings.from_env(reader["Environment"]["Variables"]) == DeadLetterSettings(
        job_table_name="Storage/JobTable",
        bake_queue_url="Queues/BakeQueue",
        render_queue_url="Queues/RenderQueue",
        urgent_queue_url="Queues/UrgentQueue",
    )


def test_dead_letters_go_to_their_reader_and_stay_hidden_while_it_works() -> None:
    (source,) = [
        source
        for source in synthesized().resources("AWS::Lambda::EventSourceMapping")
        if source.properties["EventSourceArn"] == "arn:Queues/DeadLetterQueue"
    ]
    assert source.properties["FunctionName"] == "Queues/SettleDeadLetters"
    assert source.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    reader = synthesized().resource("AWS::Lambda::Function", "Queues/SettleDeadLetters").properties
    assert queue("DeadLetterQueue").properties["VisibilityTimeout"] >= 6 * reader["Timeout"]
