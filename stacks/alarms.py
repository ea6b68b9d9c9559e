"""The alarms that call a person; each says what to do.

Ten alarms cost nothing, among them the two of target tracking: so no alarm looks at what another one would
tell. The listener and the teller of jobs that ended leave on a queue what they could not do, and that queue
has one; what fails behind the dashboard's jobs is seen by whoever looks at it.
"""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk.aws_cloudwatch_actions import SnsAction
from constructs import Construct

from contract.metrics import SECONDS_WITHOUT_PROGRESS
from stacks.config import FarmConfig
from stacks.dashboard import deepest
from stacks.farm_function import FarmFunction
from stacks.farm_queues import FarmQueues
from stacks.fleet_metrics import fleet_metric

WITHOUT_PROGRESS = Duration.minutes(30)
"""Longer than a machine takes to boot and open a scene, and than a silent one is let be."""


class FarmAlarms(Construct):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: FarmConfig,
        queues: FarmQueues,
        untold: sqs.IQueue,
        measure_backlog: FarmFunction,
        sweep_jobs: FarmFunction,
        settle_dead_letters: FarmFunction,
        janitor: FarmFunction,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        self._farm_name = config.farm_name
        self._kept_on_queues(queues, untold)
        self._failing_functions(measure_backlog, sweep_jobs, settle_dead_letters, janitor)
        self._fleet_without_progress(config)

    def _kept_on_queues(self, queues: FarmQueues, untold: sqs.IQueue) -> None:
        self._alarm(
            "DeadLetters",
            "Workers died of a task without a word. Its frame or its job says so: look at `farm jobs`, then"
            " at the workers' logs. A scene that needs more memory than they have needs larger"
            " instance_types.",
            # received, not visible: the Lambda on this queue empties it before anybody looks
            queues.dead_letters.metric_number_of_messages_received(period=Duration.minutes(1)),
        )
        self._alarm(
            "UnheardUpload",
            "An upload became no job. See the log of AcceptUpload; then upload the file once more, and delete"
            " its event from the queue UnheardUploads.",
            deepest(queues.unheard_uploads),
        )
        self._alarm(
            "UntoldChanges",
            "A job ended or was held and nobody could be told. `farm jobs` shows it; see the log of"
            " NotifyPeople, then empty the queue Untold.",
            deepest(untold),
        )

    def _failing_functions(
        self,
        measure_backlog: FarmFunction,
        sweep_jobs: FarmFunction,
        settle_dead_letters: FarmFunction,
        janitor: FarmFunction,
    ) -> None:
        """One failed run does no harm: the next one of its schedule does all that it would have done."""
        self._alarm(
            "MeasureBacklogFails",
            "The fleet is not measured: it grows no more and shrinks no more; or its cost is not counted, and"
            " the budget holds nothing; or machines could not be set up, and no more are started."
            " See the log of MeasureBacklog, and `farm doctor`."
            " Until it is mended, look whether machines run that nobody needs.",
            measure_backlog.metric_errors(period=Duration.minutes(1)),
            datapoints=3,
            periods=5,
        )
        self._alarm(
            "SweepJobsFails",
            "Nobody looks for jobs that stand still: one that lost its tasks may wait. See the log of"
            " SweepJobs.",
            sweep_jobs.metric_errors(period=Duration.minutes(5)),
            datapoints=2,
            periods=3,
        )
        self._alarm(
            "SettleDeadLettersFails",
            "Tasks that workers died of are neither tried again nor given up: their jobs wait. See the log of"
            " SettleDeadLetters; the messages stay on the queue for two weeks.",
            settle_dead_letters.metric_errors(period=Duration.minutes(5)),
            datapoints=2,  # a message that could not be settled comes again after three minutes
            periods=3,
        )
        self._alarm(
            "JanitorFails",
            "Nobody clears the scratch space, which costs by the gigabyte. See the log of the janitor.",
            janitor.metric_errors(period=Duration.hours(1)),
            datapoints=2,
            periods=3,
        )

    def _fleet_without_progress(self, config: FarmConfig) -> None:
        """Its metric is there while machines run, and only then."""
        self._alarm(
            "FleetWithoutProgress",
            f"Machines run and cost money, and for {WITHOUT_PROGRESS.to_minutes():.0f} minutes longer than a"
            " frame or a bake may take nothing came of them. Look at `farm jobs` and at the workers' logs."
            " `farm cancel JOB` ends a job that hangs, and machines without work end themselves.",
            fleet_metric(
                SECONDS_WITHOUT_PROGRESS,
                namespace=config.cloudwatch_namespace,
                fleet=config.fleet_name,
                statistic="Minimum",
                period=Duration.minutes(5),
            ),
            threshold=WITHOUT_PROGRESS.to_seconds(),
        )

    def _alarm(
        self,
        construct_id: str,
        description: str,
        metric: cw.Metric,
        *,
        threshold: float = 1,
        datapoints: int = 1,
        periods: int = 1,
    ) -> None:
        """Calls when of the last `periods` values so many are at the threshold or above."""
        alarm = cw.Alarm(
            self,
            construct_id,
            alarm_name=f"{self._farm_name}-{construct_id}",  # the subject of the e-mail
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=cw.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            datapoints_to_alarm=datapoints,
            evaluation_periods=periods,
            treat_missing_data=cw.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(SnsAction(self._topic))
