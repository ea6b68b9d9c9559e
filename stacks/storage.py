"""What outlives every job: the bucket, the job table, and the topic that tells people."""

from __future__ import annotations

from aws_cdk import Aws, CfnOutput, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from contract import table as keys
from contract.keys import SMALL_PICTURES_PREFIX, blender_archive_key, blender_sum_key
from stacks.acknowledgements import acknowledge
from stacks.config import FarmConfig

SMALL_PICTURES_LIFE = Duration.days(30)
"""Longer than jobs take: the preview is made of proxies that were made with the first frames, too."""
TAG_OF_BEFORE = ("keep", "short")
"""Key and value, of small pictures that older agents have put among their jobs' output."""


class StorageStack(Stack):
    """Depends on no other stack. Bucket and table stay when it is deleted: somebody's film is in them."""

    def __init__(self, scope: Construct, construct_id: str, *, env: Environment, config: FarmConfig) -> None:
        super().__init__(scope, construct_id, env=env)
        self.bucket = self._render_bucket(config)
        self.table = self._job_table()
        self.topic = self._notification_topic()
        CfnOutput(self, "RenderBucketName", value=self.bucket.bucket_name)
        CfnOutput(self, "JobTableName", value=self.table.table_name)
        CfnOutput(self, "NotificationTopicArn", value=self.topic.topic_arn)

    def _render_bucket(self, config: FarmConfig) -> s3.Bucket:
        """Versioned, so that a later upload to a key cannot change what an earlier job renders."""
        bucket = s3.Bucket(
            self,
            "RenderBucket",
            bucket_name=config.render_bucket_name or None,
            versioned=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="forget-old-versions",
                    noncurrent_version_expiration=Duration.days(30),
                    expired_object_delete_marker=True,
                ),
                s3.LifecycleRule(
                    id="forget-small-pictures",
                    prefix=SMALL_PICTURES_PREFIX,
                    expiration=SMALL_PICTURES_LIFE,
                    noncurrent_version_expiration=Duration.days(1),
                ),
                s3.LifecycleRule(
                    id="forget-what-is-kept-short",
                    tag_filters=dict([TAG_OF_BEFORE]),
                    expiration=SMALL_PICTURES_LIFE,
                    noncurrent_version_expiration=Duration.days(1),
                ),
                s3.LifecycleRule(
                    id="forget-broken-uploads", abort_incomplete_multipart_upload_after=Duration.days(7)
                ),
            ],
        )
        acknowledge(
            bucket,
            "S1",
            "Access logs want a second bucket that is kept and paid for; what was uploaded and rendered is on"
            " the job records, versions of objects are kept, and CloudTrail can be asked for more.",
        )
        bucket.add_to_resource_policy(_releases_come_from_workers(bucket, config))
        bucket.add_to_resource_policy(_releases_are_not_replaced(bucket))
        return bucket

    def _job_table(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "JobTable",
            partition_key=_text(keys.PARTITION_KEY),
            sort_key=_text(keys.SORT_KEY),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=keys.EXPIRES_AT,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,  # people are told of what changes
            resource_policy=_tls_only(),
            removal_policy=RemovalPolicy.RETAIN,
        )
        table.add_global_secondary_index(
            index_name=keys.JOBS_BY_CREATION,
            partition_key=_text(keys.INDEX_PARTITION_KEY),
            sort_key=_text(keys.INDEX_SORT_KEY),
        )
        table.add_global_secondary_index(
            index_name=keys.UNFINISHED_JOBS,
            partition_key=_text(keys.UNFINISHED),
            sort_key=_text(keys.INDEX_SORT_KEY),
        )
        return table

    def _notification_topic(self) -> sns.Topic:
        """TLS only, but not encrypted at rest: with the key that AWS manages, CloudWatch's alarms would
        silently not be delivered, and a key of our own costs a dollar a month. No secrets go through it.
        """
        topic = sns.Topic(self, "NotificationTopic", enforce_ssl=True)
        topic.add_to_resource_policy(
            # a policy of one's own replaces the default one, which let the account's alarms in
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        return topic


def _releases_come_from_workers(bucket: s3.Bucket, config: FarmConfig) -> iam.PolicyStatement:
    """Every worker runs what lies there: nobody else puts it there, whatever they may write in the bucket.

    The role is named by a pattern, for its stack stands on this one.
    """
    workers = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{config.farm_name}-Compute-*"
    return iam.PolicyStatement(
        sid="ReleasesComeFromWorkers",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(key) for key in (blender_archive_key("*"), blender_sum_key("*"))],
        conditions={"ArnNotLike": {"aws:PrincipalArn": workers}},
    )


def _releases_are_not_replaced(bucket: s3.Bucket) -> iam.PolicyStatement:
    """A Blender that is kept may be written where none is, and not over one: not even by a worker in a
    stranger's hands, which every other worker would then run. The parts of an upload come without the
    condition; its completion does not (S3's guide, "Enforce conditional writes on Amazon S3 buckets").
    """
    return iam.PolicyStatement(
        sid="ReleasesAreNotReplaced",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["s3:PutObject"],
        resources=[bucket.arn_for_objects(key) for key in (blender_archive_key("*"), blender_sum_key("*"))],
        conditions={
            "Null": {"s3:if-none-match": "true"},
            "Bool": {"s3:ObjectCreationOperation": "true"},
        },
    )


def _tls_only() -> iam.PolicyDocument:
    """DynamoDB answers plain HTTP as well. The table's ARN cannot stand in its own policy, which is for this
    table only.
    """
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="NotWithoutTls",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["dynamodb:*"],
                resources=["*"],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            )
        ]
    )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
