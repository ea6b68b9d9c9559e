"""What lies somewhere is encrypted, and no log is kept for ever."""

from __future__ import annotations

from tests.stacks.test_allowed_actions import EVERYTHING_ON
from tests.support.synthesized import synthesized

LONGEST_DAYS = 30


def test_every_log_group_forgets() -> None:
    groups = list(synthesized(**EVERYTHING_ON).resources("AWS::Logs::LogGroup"))
    assert groups
    for group in groups:
        assert group.properties["RetentionInDays"] <= LONGEST_DAYS, group.name


def test_every_function_writes_to_a_log_group_of_ours() -> None:
    """Lambda makes one itself for any other function, the CDK's own among them, and keeps it for ever."""
    farm = synthesized(**EVERYTHING_ON)
    ours = {group.name for group in farm.resources("AWS::Logs::LogGroup")}
    for function in farm.resources("AWS::Lambda::Function"):
        assert function.properties["LoggingConfig"]["LogGroup"] in ours, function.name


def test_all_but_the_topic_is_encrypted() -> None:
    """A table is unasked (DynamoDB's guide, "Encryption at rest"); why not the topic: stacks.storage."""
    farm = synthesized(**EVERYTHING_ON)
    for queue in farm.resources("AWS::SQS::Queue"):
        assert queue.properties["SqsManagedSseEnabled"] is True, queue.name
    for bucket in farm.resources("AWS::S3::Bucket"):
        (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}, bucket.name
    for file_system in farm.resources("AWS::EFS::FileSystem"):
        assert file_system.properties["Encrypted"] is True, file_system.name
    for template in farm.resources("AWS::EC2::LaunchTemplate"):
        disks = template.properties["LaunchTemplateData"]["BlockDeviceMappings"]
        assert disks and all(disk["Ebs"]["Encrypted"] is True for disk in disks), template.name
