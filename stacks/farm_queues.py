"""The queues that tasks wait on, and those that keep what could not be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from contract.leases import LEASE_SECONDS
from stacks.acknowledgements import acknowledge

LEASE = Duration.seconds(LEASE_SECONDS)
"""Visibility of a message that a worker holds and renews: a dead worker's task comes back after it."""
RETENTION = Duration.days(14)
MAX_RECEIVES = 100
"""Only a backstop: every time a worker gives a task back counts. Attempts are counted on the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmQueues:
    bake: sqs.IQueue
    render: sqs.IQueue
    urgent: sqs.IQueue
    """Render tasks that agents look at first."""
    dead_letters: sqs.IQueue
    unheard_uploads: sqs.IQueue
    """Events that the listener could not handle, kept for a person to look at and send again."""

    @classmethod
    def make(cls, scope: Construct) -> Self:
        dead_letters = _queue(scope, "DeadLetterQueue", visibility_timeout=Duration.minutes(3))
        backstop = sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=MAX_RECEIVES)
        unheard = _queue(scope, "UnheardUploads")
        acknowledge(unheard, "SQS3", "Lambda leaves there the events that the listener could not handle.")
        return cls(
            bake=_queue(scope, "BakeQueue", visibility_timeout=LEASE, dead_letter_queue=backstop),
            render=_queue(scope, "RenderQueue", visibility_timeout=LEASE, dead_letter_queue=backstop),
            urgent=_queue(scope, "UrgentQueue", visibility_timeout=LEASE, dead_letter_queue=backstop),
            dead_letters=dead_letters,
            unheard_uploads=unheard,
        )

    @property
    def tasks(self) -> tuple[sqs.IQueue, sqs.IQueue, sqs.IQueue]:
        return self.bake, self.render, self.urgent


def _queue(
    scope: Construct,
    construct_id: str,
    *,
    visibility_timeout: Duration | None = None,
    dead_letter_queue: sqs.DeadLetterQueue | None = None,
) -> sqs.Queue:
    return sqs.Queue(
        scope,
        construct_id,
        visibility_timeout=visibility_timeout,
        dead_letter_queue=dead_letter_queue,
        retention_period=RETENTION,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
