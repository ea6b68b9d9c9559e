from __future__ import annotations

from contract.keys import SMALL_PICTURES_PREFIX, blender_archive_key, blender_sum_key
from contract.table import (
    INDEX_PARTITION_KEY,
    INDEX_SORT_KEY,
    JOBS_BY_CREATION,
    PARTITION_KEY,
    SORT_KEY,
    UNFINISHED,
    UNFINISHED_JOBS,
    job_key,
)
from contract.worker_record import Doing, WorkerRecord
from tests.support.jobs import a_job
from tests.support.permissions import read_policy
from tests.support.synthesized import synthesized


def test_the_bucket_is_nobodys_but_ours_and_kept() -> None:
    bucket = synthesized().resource("AWS::S3::Bucket", "Storage/RenderBucket")
    assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket.properties["PublicAccessBlockConfiguration"]) == 4
    assert bucket.properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket.properties["BucketEncryption"]
    assert bucket.raw["DeletionPolicy"] == bucket.raw["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_lets_nobody_in_and_plain_http_out() -> None:
    policy = synthesized().resource("AWS::S3::BucketPolicy", "Storage/RenderBucket/Policy")
    statements = read_policy(policy.properties["PolicyDocument"])
    assert {statement.effect for statement in statements} == {"Deny"}
    (everything,) = [s for s in statements if s.conditions == {"Bool": {"aws:SecureTransport": "false"}}]
    assert everything.covers("s3:GetObject", "arn:Storage/RenderBucket/a.blend")


def test_a_kept_blender_is_written_by_workers_alone() -> None:
    policy = synthesized().resource("AWS::S3::BucketPolicy", "Storage/RenderBucket/Policy")
    (statement,) = [
        s for s in read_policy(policy.properties["PolicyDocument"]) if "ArnNotLike" in s.conditions
    ]
    assert (statement.effect, statement.principal) == ("Deny", {"AWS": "*"})
    assert statement.covers("s3:PutObject", f"arn:Storage/RenderBucket/{blender_archive_key('4.5.15')}")
    assert not statement.covers("s3:PutObject", "arn:Storage/RenderBucket/blender/scene.blend")
    (pattern,) = statement.conditions["ArnNotLike"].values()
    assert pattern.endswith(":role/AutoBlenderRender-Compute-*")
    assert "RoleName" not in synthesized().resource("AWS::IAM::Role", "Compute/WorkerRole").properties, (
        "CloudFormation names it by its stack, as the pattern has it"
    )


def test_a_kept_blender_is_not_written_over() -> None:
    policy = synthesized().resource("AWS::S3::BucketPolicy", "Storage/RenderBucket/Policy")
    (statement,) = [s for s in read_policy(policy.properties["PolicyDocument"]) if "Null" in s.conditions]
    assert (statement.effect, statement.principal) == ("Deny", {"AWS": "*"})
    assert statement.conditions == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    for key in (blender_archive_key("4.5.15"), blender_sum_key("4.5.15")):
        assert statement.covers("s3:PutObject", f"arn:Storage/RenderBucket/{key}")
    for key in (
        "blender/output/job-0123456789ab/frames/0001.png",
        "blender/scene.blend",
        "a/output/job/job.json",
    ):
        assert not statement.covers("s3:PutObject", f"arn:Storage/RenderBucket/{key}")


def test_old_versions_and_broken_uploads_go() -> None:
    bucket = synthesized().resource("AWS::S3::Bucket", "Storage/RenderBucket")
    rules = bucket.properties["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    assert {
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if "NoncurrentVersionExpiration" in rule and "ExpirationInDays" not in rule
    } == {30}
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    short = [rule for rule in rules if "ExpirationInDays" in rule]
    assert [(rule.get("Prefix"), rule.get("TagFilters")) for rule in short] == [
        (SMALL_PICTURES_PREFIX, None),
        (None, [{"Key": "keep", "Value": "short"}]),
    ], "no other current object expires"
    for rule in short:
        assert (rule["ExpirationInDays"], rule["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (30, 1)


def test_the_table_has_the_keys_of_the_contract() -> None:
    table = synthesized().resource("AWS::DynamoDB::Table", "Storage/JobTable")
    assert _keys(table.properties["KeySchema"]) == (PARTITION_KEY, SORT_KEY)
    assert set(job_key("a")) == {PARTITION_KEY, SORT_KEY}
    indexes = {index["IndexName"]: index for index in table.properties["GlobalSecondaryIndexes"]}
    assert {name: _keys(index["KeySchema"]) for name, index in indexes.items()} == {
        JOBS_BY_CREATION: (INDEX_PARTITION_KEY, INDEX_SORT_KEY),
        UNFINISHED_JOBS: (UNFINISHED, INDEX_SORT_KEY),
    }
    assert all(index["Projection"] == {"ProjectionType": "ALL"} for index in indexes.values())
    assert table.properties["BillingMode"] == "PAY_PER_REQUEST"
    assert table.properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table.raw["DeletionPolicy"] == table.raw["UpdateReplacePolicy"] == "Retain"


def test_the_table_refuses_plain_http_to_everybody() -> None:
    table = synthesized().resource("AWS::DynamoDB::Table", "Storage/JobTable")
    (statement,) = read_policy(table.properties["ResourcePolicy"]["PolicyDocument"])
    assert (statement.effect, statement.principal) == ("Deny", {"AWS": "*"})
    assert statement.conditions == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement.covers("dynamodb:GetItem", "any") and statement.covers("dynamodb:DeleteTable", "any")


def test_records_of_workers_go_by_themselves_and_jobs_do_not() -> None:
    table = synthesized().resource("AWS::DynamoDB::Table", "Storage/JobTable")
    (attribute,) = {table.properties["TimeToLiveSpecification"]["AttributeName"]}
    worker = WorkerRecord(worker_id="i-1", doing=Doing.IDLE, since=1, seen_at=1)
    assert worker.to_item()[attribute] > worker.seen_at
    assert attribute not in a_job().to_item()


def _keys(schema: list[dict[str, str]]) -> tuple[str, str]:
    by_type = {key["KeyType"]: key["AttributeName"] for key in schema}
    return by_type["HASH"], by_type["RANGE"]


def test_alarms_of_this_account_reach_the_topic_and_plain_http_does_not() -> None:
    farm = synthesized()
    policy = farm.resource("AWS::SNS::TopicPolicy", "Storage/NotificationTopic/Policy")
    statements = read_policy(policy.properties["PolicyDocument"])
    topic = "Storage/NotificationTopic"
    denied = [s for s in statements if s.effect == "Deny" and s.covers("sns:Publish", topic)]
    assert [s.conditions for s in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]
    (allowed,) = [s for s in statements if s.effect == "Allow"]
    assert allowed.principal == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed.conditions == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert allowed.covers("sns:Publish", topic)
    assert "KmsMasterKeyId" not in farm.resource("AWS::SNS::Topic", topic).properties
