"""A farm that was chosen, on AWS or on this computer: the same for every command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from farm.plain_errors import PlainError

if TYPE_CHECKING:
    from contract.record_reader import RecordReader
    from farm.aws_clients import AwsClients
    from farm.jobs import Farm

LOCAL: Final = "local"
"""What the laptop farm of this checkout is called."""
FARM_NAME: Final = "FARM_NAME"
"""The environment variable that names a farm."""
NEEDED_OUTPUTS: Final = ("RenderBucketName", "JobTableName", "BakeQueueUrl")


class WhichFarmError(PlainError):
    """No farm, or several: the message lists what was found and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFacts:
    """What a farm's machines are, where that is not what the variables of the CDK app say."""

    most_workers: int
    start_seconds: float
    """From when a worker is wanted until it works."""
    hour_dollars: float


@dataclass(frozen=True, kw_only=True)
class ChosenFarm:
    """One farm, with all that a command may want of it."""

    name: str
    outputs: Mapping[str, str]
    """Of all its stacks, by name."""
    clients: AwsClients
    dashboard_url: str
    """Of the page that shows it; empty when it has none."""
    explain: Callable[[], str]
    """What its machines are doing, in a line for a person who waits."""
    fleet: FleetFacts | None = None
    """None: as the variables say."""
    note: str = ""
    """What the person should know of how it was chosen."""

    @cached_property
    def farm(self) -> Farm:
        """Where jobs are sent and recorded. It takes a moment: for records alone there is `records`."""
        from farm.jobs import Farm

        return Farm(
            s3=self.clients.s3,
            table=self.clients.dynamodb.Table(self.outputs["JobTableName"]),
            sqs=self.clients.sqs,
            bucket=self.outputs["RenderBucketName"],
            bake_queue_url=self.outputs["BakeQueueUrl"],
        )

    @cached_property
    def records(self) -> RecordReader:
        from contract.record_reader import RecordReader

        return RecordReader(self.clients.dynamodb.meta.client, self.outputs["JobTableName"])
