"""Checks of the farm's parts in AWS: that each is there and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contract.boot import RESUME
from contract.keys import UPLOAD_SUFFIXES
from farm.doctor.finding import Said, broken, error_code, warning, well
from farm.failed_boots import failed_boots

QUEUES: Final = {
    "bake": "BakeQueueUrl",
    "render": "RenderQueueUrl",
    "urgent": "UrgentQueueUrl",
    "dead letters": "DeadLetterQueueUrl",
}
"""By the stacks' outputs."""
_GONE: Final = ("404", "NoSuchBucket", "ResourceNotFoundException", "QueueDoesNotExist", "NonExistentQueue")
_MAKE: Final = (
    "somebody deleted it; CloudFormation does not miss it. Delete its stack and `cdk deploy --all`, "
    "or make it again under the same name"
)


def bucket(s3: Any, name: str) -> Said:
    try:
        s3.head_bucket(Bucket=name)
    except Exception as error:
        if _gone(error):
            return broken(f"the bucket {name} is gone", _MAKE)
        raise
    return well(f"{name} answers")


def table(dynamodb: Any, name: str) -> Said:
    """`dynamodb` is a plain client or a resource's."""
    try:
        status = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    except Exception as error:
        if _gone(error):
            return broken(f"the job table {name} is gone", _MAKE)
        raise
    if status != "ACTIVE":
        return warning(f"{name} is {status}", "ask again in a minute")
    return well(f"{name} answers")


def queues(sqs: Any, outputs: Mapping[str, str]) -> Said:
    """All of them, and how much waits on each."""
    gone, waiting = [], []
    for name, output in QUEUES.items():
        if output not in outputs:
            return broken(
                f"the stacks do not say where the {name} queue is", "`cdk deploy --all` completes them"
            )
        try:
            waiting.append(f"{name} {_messages(sqs, outputs[output])}")
        except Exception as error:
            if not _gone(error):
                raise
            gone.append(name)
    if gone:
        return broken(f"the queue is gone: {', '.join(gone)}", _MAKE)
    return well("tasks waiting or in work: " + ", ".join(waiting))


def notification(s3: Any, name: str) -> Said:
    """S3 tells the farm of every kind of upload."""
    told = s3.get_bucket_notification_configuration(Bucket=name).get("LambdaFunctionConfigurations", [])
    heard = {
        rule["Value"]
        for each in told
        for rule in each.get("Filter", {}).get("Key", {}).get("FilterRules", [])
        if rule["Name"].lower() == "suffix"
    }
    deaf = [suffix for suffix in UPLOAD_SUFFIXES if suffix not in heard]
    if deaf:
        return broken(
            f"S3 tells the farm of no upload that ends in {', '.join(deaf)}: such files start no job",
            "something else set the bucket's notifications. Delete those, and deploy the Queues stack again",
        )
    return well(f"S3 tells the farm of {', '.join(UPLOAD_SUFFIXES)}")


def dead_letters(sqs: Any, url: str) -> Said:
    """None should stay: a Lambda reads them at once."""
    count = _messages(sqs, url)
    if count:
        return warning(
            f"{count} tasks are among the dead letters",
            "their Lambda takes them within minutes; if they stay, see the log of settle_dead_letters",
        )
    return well("none waits")


def alarms(cloudwatch: Any, topic_arn: str) -> Said:
    """Those that call people; the others are the scaling's own, and in alarm whenever there is work."""
    ringing = [
        alarm
        for page in cloudwatch.get_paginator("describe_alarms").paginate(StateValue="ALARM")
        for alarm in page["MetricAlarms"]
        if topic_arn in alarm.get("AlarmActions", [])
    ]
    if ringing:
        return warning(
            "; ".join(f"{alarm['AlarmName']}: {alarm.get('AlarmDescription', '')}" for alarm in ringing),
            "see the graphs on the dashboard, and the logs of the part that it names",
        )
    return well("none rings")


def machines(dynamodb: Any, table: str) -> Said:
    """Whether they come up; `dynamodb` is a resource's client."""
    _, boots = failed_boots(dynamodb, table)
    if boots.hold:
        return broken(f"no machine is started any more: {boots.words}", RESUME)
    if boots.failures:
        return warning(boots.words, "another is started all the same; see that log")
    return well("none has failed to be set up since one last worked")


def subscription(sns: Any, topic_arn: str) -> Said:
    """Whether anybody is told of jobs and alarms."""
    found = [
        each["SubscriptionArn"]
        for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
        for each in page["Subscriptions"]
    ]
    pending = sum(arn == "PendingConfirmation" for arn in found)
    if not found:
        return warning(
            "nobody is told of jobs and alarms", "deploy with `-c notification_email=you@example.com`"
        )
    if pending:
        return warning(
            f"{pending} of {len(found)} subscriptions wait to be confirmed",
            "the link is in an e-mail from AWS Notifications: look in the spam, too",
        )
    return well(f"{len(found)} confirmed")


def _messages(sqs: Any, url: str) -> int:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return sum(int(value) for name, value in found.items() if name.startswith("ApproximateNumberOfMessages"))


def _gone(error: Exception) -> bool:
    return any(code in error_code(error) for code in _GONE)
