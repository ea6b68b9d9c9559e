"""Who may do what to which resource, and who may not."""

from __future__ import annotations

import re

import pytest

from contract.table import JOBS_BY_CREATION, UNFINISHED_JOBS
from tests.support.permissions import may
from tests.support.synthesized import synthesized

LISTENER, READER, BACKLOG, SWEEP, JANITOR, WORKER, SHOW, ACT, TELL = (
    "Queues/AcceptUploadRole",
    "Queues/SettleDeadLettersRole",
    "Scaling/MeasureBacklogRole",
    "Scaling/SweepJobsRole",
    "Efs/Janitor/FunctionRole",
    "Compute/WorkerRole",
    "Monitoring/Jobs/ShowJobsRole",
    "Monitoring/Jobs/ActOnJobRole",
    "Monitoring/Notifications/NotifyPeopleRole",
)
BUCKET, TABLE = "arn:Storage/RenderBucket", "arn:Storage/JobTable"
BAKE, RENDER, URGENT, DEAD = (
    f"arn:Queues/{n}" for n in ("BakeQueue", "RenderQueue", "UrgentQueue", "DeadLetterQueue")
)
GROUP = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:*:autoScalingGroupName/"
OWN = f"{GROUP}AutoBlenderRender-Compute-Workers"
INTERFACES = "arn:aws:ec2:eu-central-1:123456789012:network-interface/*"

ALLOWED = [
    *((TELL, f"dynamodb:{a}", "Storage/JobTable.StreamArn") for a in ("GetRecords", "GetShardIterator")),
    (TELL, "dynamodb:DescribeStream", "Storage/JobTable.StreamArn"),
    (TELL, "dynamodb:Query", TABLE),
    (TELL, "sns:Publish", "Storage/NotificationTopic"),
    (TELL, "sqs:SendMessage", "arn:Monitoring/Notifications/Untold"),
    (LISTENER, "s3:GetObject", f"{BUCKET}/show/a.blend"),
    (LISTENER, "s3:GetObjectVersion", f"{BUCKET}/show/a.blend"),
    (LISTENER, "s3:ListBucket", BUCKET),  # without it a missing object is a 403
    (LISTENER, "dynamodb:PutItem", TABLE),
    (LISTENER, "dynamodb:GetItem", TABLE),
    (LISTENER, "dynamodb:UpdateItem", TABLE),
    (LISTENER, "sqs:SendMessage", BAKE),
    (LISTENER, "sqs:SendMessage", "arn:Queues/UnheardUploads"),
    (LISTENER, "logs:PutLogEvents", "arn:Queues/AcceptUploadLog"),
    (READER, "sqs:ReceiveMessage", DEAD),
    (READER, "sqs:DeleteMessage", DEAD),
    (READER, "dynamodb:GetItem", TABLE),
    (READER, "dynamodb:UpdateItem", TABLE),
    *((READER, "sqs:SendMessage", q) for q in (BAKE, RENDER, URGENT)),
    *((SWEEP, f"sqs:{a}", q) for q in (BAKE, RENDER, URGENT) for a in ("GetQueueAttributes", "SendMessage")),
    *((SWEEP, f"dynamodb:{a}", TABLE) for a in ("Query", "BatchGetItem", "UpdateItem")),
    (SWEEP, "dynamodb:Query", f"{TABLE}/index/{UNFINISHED_JOBS}"),
    (SWEEP, "logs:PutLogEvents", "arn:Scaling/SweepJobsLog"),
    (BACKLOG, "sqs:GetQueueAttributes", BAKE),
    (BACKLOG, "sqs:GetQueueAttributes", RENDER),
    (BACKLOG, "sqs:GetQueueAttributes", URGENT),
    (BACKLOG, "autoscaling:DescribeAutoScalingGroups", "*"),
    (BACKLOG, "autoscaling:DescribeScalingActivities", "*"),
    (BACKLOG, "autoscaling:TerminateInstanceInAutoScalingGroup", OWN),
    (BACKLOG, "ec2:DescribeInstances", "*"),
    *((BACKLOG, f"dynamodb:{a}", TABLE) for a in ("Query", "BatchGetItem", "UpdateItem")),
    (BACKLOG, "dynamodb:Query", f"{TABLE}/index/{UNFINISHED_JOBS}"),
    (JANITOR, "dynamodb:BatchGetItem", TABLE),
    (JANITOR, "logs:PutLogEvents", "arn:Efs/Janitor/FunctionLog"),
    *(
        (JANITOR, f"ec2:{a}", INTERFACES)
        for a in ("CreateNetworkInterface", "DeleteNetworkInterface", "AssignPrivateIpAddresses")
    ),
    (JANITOR, "ec2:DescribeNetworkInterfaces", "*"),
    (WORKER, "s3:GetObjectVersion", f"{BUCKET}/show/a.blend"),
    (WORKER, "s3:PutObject", f"{BUCKET}/show/output/job/frames/0001.png"),
    (WORKER, "s3:PutObject", f"{BUCKET}/output/proxies/job/0001-0001-0123456789ab.mjpeg"),
    (WORKER, "s3:AbortMultipartUpload", f"{BUCKET}/show/output/job/frames/0001.exr"),
    *(
        (WORKER, f"dynamodb:{a}", TABLE)
        for a in ("GetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem")
    ),
    *(
        (WORKER, f"sqs:{a}", q)
        for q in (BAKE, RENDER, URGENT)
        for a in (
            "ReceiveMessage",
            "DeleteMessage",
            "ChangeMessageVisibility",
            "SendMessage",
            "GetQueueAttributes",
        )
    ),
    (WORKER, "sqs:SendMessage", DEAD),
    *(
        (WORKER, f"autoscaling:{a}", OWN)
        for a in ("CompleteLifecycleAction", "SetInstanceProtection", "TerminateInstanceInAutoScalingGroup")
    ),
    *((WORKER, f"logs:{a}", "arn:Compute/WorkerLog") for a in ("CreateLogStream", "PutLogEvents")),
    (WORKER, "autoscaling:DescribeAutoScalingGroups", "*"),
    (WORKER, "ec2:DescribeSpotPriceHistory", "*"),
    (WORKER, "ssmmessages:OpenDataChannel", "*"),
    *((SHOW, f"dynamodb:{a}", TABLE) for a in ("GetItem", "Query", "BatchGetItem")),
    *((SHOW, "dynamodb:Query", f"{TABLE}/index/{index}") for index in (JOBS_BY_CREATION, UNFINISHED_JOBS)),
    (SHOW, "s3:GetObject", f"{BUCKET}/show/output/job/thumbnails/0001.jpg"),
    (SHOW, "s3:GetObject", f"{BUCKET}/output/proxies/job/0001-0010-0123456789ab.mjpeg"),
    (SHOW, "s3:GetObject", f"{BUCKET}/show/output/job/proxies/0001-0010-0123456789ab.mjpeg"),
    (SHOW, "logs:PutLogEvents", "arn:Monitoring/Jobs/ShowJobsLog"),
    *((ACT, f"dynamodb:{a}", TABLE) for a in ("GetItem", "UpdateItem")),
    (ACT, "sqs:SendMessage", BAKE),
    (ACT, "logs:PutLogEvents", "arn:Monitoring/Jobs/ActOnJobLog"),
    (BACKLOG, "dynamodb:GetItem", TABLE),
    (BACKLOG, "autoscaling:SetDesiredCapacity", OWN),
    (SWEEP, "dynamodb:GetItem", TABLE),
]
REFUSED = [
    *((TELL, f"dynamodb:{a}", TABLE) for a in ("PutItem", "UpdateItem", "DeleteItem", "Scan")),
    (TELL, "s3:GetObject", f"{BUCKET}/show/a.blend"),
    (LISTENER, "s3:PutObject", f"{BUCKET}/show/a.blend"),
    (LISTENER, "s3:DeleteObject", f"{BUCKET}/show/a.blend"),
    (LISTENER, "sqs:SendMessage", RENDER),
    (LISTENER, "sqs:ReceiveMessage", BAKE),
    (READER, "s3:GetObject", f"{BUCKET}/show/a.blend"),
    (READER, "sqs:ReceiveMessage", RENDER),
    (READER, "sqs:SendMessage", DEAD),
    *((READER, f"dynamodb:{a}", TABLE) for a in ("PutItem", "DeleteItem", "Query", "Scan")),
    *((SWEEP, f"sqs:{a}", RENDER) for a in ("ReceiveMessage", "DeleteMessage", "PurgeQueue")),
    (SWEEP, "sqs:SendMessage", DEAD),
    *((SWEEP, f"dynamodb:{a}", TABLE) for a in ("PutItem", "DeleteItem", "Scan")),
    (SWEEP, "s3:GetObject", f"{BUCKET}/show/a.blend"),
    (BACKLOG, "sqs:ReceiveMessage", RENDER),
    *((BACKLOG, f"dynamodb:{a}", TABLE) for a in ("PutItem", "DeleteItem", "Scan")),
    (BACKLOG, "autoscaling:SetDesiredCapacity", f"{GROUP}Second-Compute-Workers"),
    (BACKLOG, "autoscaling:UpdateAutoScalingGroup", OWN),
    (BACKLOG, "autoscaling:TerminateInstanceInAutoScalingGroup", f"{GROUP}Second-Compute-Workers"),
    (BACKLOG, "ec2:TerminateInstances", "arn:aws:ec2:eu-central-1:123456789012:instance/i-1"),
    *(
        (JANITOR, f"dynamodb:{a}", TABLE)
        for a in ("PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchWriteItem")
    ),
    (JANITOR, "s3:GetObject", f"{BUCKET}/show/a.blend"),
    (JANITOR, "sqs:SendMessage", RENDER),
    (JANITOR, "cloudwatch:PutMetricData", "*"),
    (JANITOR, "ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-1:123456789012:network-interface/*"),
    (JANITOR, "ec2:TerminateInstances", "arn:aws:ec2:eu-central-1:123456789012:instance/i-1"),
    (WORKER, "s3:PutObject", f"{BUCKET}/show/a.blend"),
    (WORKER, "s3:PutObject", f"{BUCKET}/output"),
    (WORKER, "s3:PutObjectRetention", f"{BUCKET}/show/output/job/frames/0001.png"),
    (WORKER, "s3:DeleteObject", f"{BUCKET}/show/output/job/frames/0001.png"),
    (WORKER, "s3:GetBucketPolicy", BUCKET),
    (WORKER, "dynamodb:Query", f"{TABLE}/index/{UNFINISHED_JOBS}"),
    (WORKER, "dynamodb:DeleteItem", TABLE),
    (WORKER, "cloudwatch:PutMetricData", "*"),
    (LISTENER, "s3:GetBucketAcl", BUCKET),
    *((role, "dynamodb:UpdateItem", f"{TABLE}/index/{UNFINISHED_JOBS}") for role in (LISTENER, BACKLOG)),
    (WORKER, "s3:DeleteObject", f"{BUCKET}/output/proxies/job/0001-0001-0123456789ab.mjpeg"),
    (WORKER, "s3:PutObject", f"{BUCKET}/output/a.blend"),
    (WORKER, "s3:PutObjectTagging", f"{BUCKET}/show/output/job/frames/0001.png"),
    (WORKER, "s3:DeleteObjectVersion", f"{BUCKET}/show/a.blend"),
    (WORKER, "s3:PutBucketPolicy", BUCKET),
    (WORKER, "s3:GetObject", "arn:aws:s3:::cdk-hnb659fds-assets-123456789012-eu-central-1/other.zip"),
    (WORKER, "dynamodb:Scan", TABLE),
    (WORKER, "dynamodb:DeleteTable", TABLE),
    (WORKER, "sqs:ReceiveMessage", DEAD),
    (WORKER, "sqs:PurgeQueue", RENDER),
    (WORKER, "autoscaling:SetInstanceProtection", f"{GROUP}Second-Compute-Workers"),
    (WORKER, "autoscaling:TerminateInstanceInAutoScalingGroup", f"{GROUP}Second-Compute-Workers"),
    (WORKER, "autoscaling:SetDesiredCapacity", OWN),
    (WORKER, "autoscaling:UpdateAutoScalingGroup", OWN),
    (WORKER, "autoscaling:CompleteLifecycleAction", f"{GROUP}Second-Compute-Workers"),
    (WORKER, "ec2:RunInstances", "*"),
    (WORKER, "ec2:DescribeInstances", "*"),
    (WORKER, "pricing:GetProducts", "*"),
    (WORKER, "iam:PassRole", "*"),
    (WORKER, "ssm:GetParameter", "*"),
    *((SHOW, f"dynamodb:{a}", TABLE) for a in ("PutItem", "UpdateItem", "DeleteItem", "Scan")),
    (SHOW, "s3:GetObject", f"{BUCKET}/show/output/job/frames/0001.png"),
    (SHOW, "s3:GetObject", f"{BUCKET}/show/a.blend"),
    (SHOW, "s3:PutObject", f"{BUCKET}/show/output/job/thumbnails/0001.jpg"),
    (SHOW, "s3:ListBucket", BUCKET),
    (SHOW, "lambda:InvokeFunction", "arn:Monitoring/Jobs/ActOnJob"),
    *((SHOW, "sqs:SendMessage", q) for q in (BAKE, RENDER, URGENT)),
    *((ACT, f"dynamodb:{a}", TABLE) for a in ("PutItem", "DeleteItem", "Query", "Scan", "BatchWriteItem")),
    *((ACT, "sqs:SendMessage", q) for q in (RENDER, URGENT, DEAD)),
    (ACT, "sqs:ReceiveMessage", BAKE),
    (ACT, "s3:GetObject", f"{BUCKET}/show/output/job/thumbnails/0001.jpg"),
]


@pytest.mark.parametrize(("role", "action", "resource"), ALLOWED)
def test_may(role: str, action: str, resource: str) -> None:
    assert may(synthesized(), role, action, resource)


@pytest.mark.parametrize(("role", "action", "resource"), REFUSED)
def test_may_not(role: str, action: str, resource: str) -> None:
    assert not may(synthesized(), role, action, resource)


def test_metrics_are_written_to_the_farms_namespace_only() -> None:
    farm = synthesized(cloudwatch_namespace="Studio/Farm", worker_asg_name="renderers")
    assert may(farm, BACKLOG, "cloudwatch:PutMetricData", "*", cloudwatch__namespace="Studio/Farm")
    assert not may(farm, BACKLOG, "cloudwatch:PutMetricData", "*", cloudwatch__namespace="AWS/EC2")


def test_a_worker_fetches_the_very_archives_its_user_data_names() -> None:
    (template,) = synthesized().resources("AWS::EC2::LaunchTemplate")
    script = template.properties["LaunchTemplateData"]["UserData"]
    archives = re.findall(r"^\w+_ARCHIVE='s3://(\S+)'$", script, re.MULTILINE)
    assert len(set(archives)) == 2
    for archive in archives:
        assert may(synthesized(), WORKER, "s3:GetObject", f"arn:aws:s3:::{archive}")


def test_no_role_has_a_managed_policy() -> None:
    for role in synthesized().resources("AWS::IAM::Role"):
        assert "ManagedPolicyArns" not in role.properties, role.name
