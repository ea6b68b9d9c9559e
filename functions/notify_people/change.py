"""A change of a job's state, read from a record of the job table's stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from contract.job import TOLD, Job, JobState

_deserializer = TypeDeserializer()


class ChangeError(ValueError):
    """A record that is no change of a job; the message says why. It never will be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    job: Job
    was: JobState | None
    """None: the job is new."""

    @property
    def worth_telling(self) -> bool:
        """Whether the job has come into a state that people are told of, and was not in it before."""
        return self.job.state in TOLD and self.job.state is not self.was


def read_change(record: Mapping[str, Any]) -> StateChange:
    """A stream record with both images. Raises ChangeError."""
    try:
        images = record["dynamodb"]
        old = _plain(images.get("OldImage"))
        return StateChange(
            job=Job.from_item(_plain(images["NewImage"])), was=JobState(old["state"]) if old else None
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ChangeError(f"{type(error).__name__}: {error}") from error


def _plain(image: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _deserializer.deserialize(value) for name, value in (image or {}).items()}
