"""Job records: every step is a conditional write, so two workers cannot both take it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contract.job import Job, JobState, Progress, timestamp
from contract.job_writes import set_attributes
from contract.table import job_key
from worker_agent.stores.recorded_lease import lapsed_lease


class JobStore:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: Any, table_name: str, now: Callable[[], float] = time.time) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._now = now

    def job(self, job_id: str) -> Job | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key=job_key(job_id), ConsistentRead=True)
        item = answer.get("Item")
        return Job.from_item(item) if item else None

    def claim_bake(self, job_id: str, *, token: str, message_id: str, lease_until: int) -> bool:
        """Become the job's baker: it has none, or that one let this very message lapse, or went silent."""
        lapsed = lapsed_lease("bake_lease_until", now=int(self._now()), lease_until=lease_until)
        return self._update_job(
            job_id,
            {
                "state": JobState.BAKING,
                "bake_token": token,
                "bake_message": message_id,
                "bake_lease_until": lease_until,
            },
            condition="#state = :queued OR (#state = :baking"
            f" AND (bake_message = :bake_message OR {lapsed.condition}))",
            values={":queued": JobState.QUEUED, ":baking": JobState.BAKING, **lapsed.values},
        )

    def renew_bake(self, job_id: str, *, token: str, lease_until: int) -> bool:
        """False when another baker has taken over or the job has ended."""
        return self._update_job(job_id, {"bake_lease_until": lease_until}, **self._as_baker(token))

    def note_bake(self, job_id: str, *, token: str, progress: Mapping[str, Any]) -> bool:
        """Say how far the bake is: kind, object, frame, last_frame. False when it is another's by now."""
        return self._update_job(job_id, {"bake_progress": progress}, **self._as_baker(token))

    def record_scene(self, job_id: str, *, token: str, scene: Mapping[str, Any]) -> bool:
        """What was found on inspection. False when the baker is one no more."""
        return self._update_job(job_id, {"scene": scene}, **self._as_baker(token))

    def begin_rendering(self, job_id: str, *, token: str, published: Mapping[str, Any]) -> bool:
        """Publish a baked project: its frames may be rendered. False when the baker is one no more."""
        return self._update_job(job_id, {"state": JobState.RENDERING, **published}, **self._as_baker(token))

    def count_failed_bake(self, job_id: str) -> int:
        """Failed attempts at this job's bake, this one included."""
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key=job_key(job_id),
            UpdateExpression="ADD bake_attempts :one",
            ExpressionAttributeValues={":one": 1},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["bake_attempts"])

    def count_runtime_failure(self, job_id: str, *, token: str, reason: str) -> int:
        """Times that a baker of this job had not the Blender it needs, this one included; keeps why.

        0 when another baker has taken over or the job has ended.
        """
        as_baker = self._as_baker(token)
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=job_key(job_id),
                UpdateExpression="SET reason = :reason, updated_at = :now ADD runtime_failures :one",
                ConditionExpression=as_baker["condition"],
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={
                    ":reason": reason,
                    ":now": _now(),
                    ":one": 1,
                    **_texts(as_baker["values"]),
                },
                ReturnValues="UPDATED_NEW",
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return 0
        return int(answer["Attributes"]["runtime_failures"])

    def note_trouble(self, job_id: str, reason: str) -> None:
        """Say on the record of a job that is being baked or rendered what a worker of it is in want of."""
        self._update_job(
            job_id,
            {"reason": reason},
            condition="#state IN (:baking, :rendering)",
            values={":baking": JobState.BAKING, ":rendering": JobState.RENDERING},
        )

    def add_interruption(self, job_id: str) -> None:
        """Note that a bake was given back by a worker that had to go."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=job_key(job_id),
            UpdateExpression="ADD interruptions :one",
            ConditionExpression="attribute_exists(#state)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":one": 1},
        )

    def mark_frames_sent(self, job: Job) -> None:
        """Of the run of which `job` was read: a retry sends its own."""
        self._update_job(
            job.job_id,
            {"frames_sent_at": _now()},
            condition="#state = :rendering AND bake_token = :run",
            values={":rendering": JobState.RENDERING, ":run": job.bake_token},
        )

    def fail_job(self, job_id: str, reason: str, *, token: str) -> bool:
        """End a job that its baker found wrong."""
        return self._update_job(job_id, {"state": JobState.FAILED, "reason": reason}, **self._as_baker(token))

    def stop_rendering(self, job_id: str, reason: str) -> bool:
        """Fail a job that is being rendered; what it has done stays."""
        return self._update_job(
            job_id,
            {"state": JobState.FAILED, "reason": reason},
            condition="#state = :rendering",
            values={":rendering": JobState.RENDERING},
        )

    def send_back(self, job: Job, reason: str) -> bool:
        """Queue a job again whose published project is lost; that counts as a failed bake.

        False when somebody else did, or it is not rendered from that project any more.
        """
        return self._update_job(
            job.job_id,
            {
                "state": JobState.QUEUED,
                "reason": reason,
                "frames_sent_at": "",
                "bake_attempts": job.bake_attempts + 1,
            },
            condition="#state = :rendering AND baked_folder = :lost",
            values={":rendering": JobState.RENDERING, ":lost": job.baked_folder},
        )

    def claim_finish(self, job: Job, *, token: str, message_id: str, lease_until: int) -> bool:
        """Become the one that sums the job up, in the run of which `job` was read.

        It has none, or that one let this very message lapse, or went silent.
        """
        lapsed = lapsed_lease("finish_lease_until", now=int(self._now()), lease_until=lease_until)
        return self._update_job(
            job.job_id,
            {
                "state": JobState.FINISHING,
                "finish_token": token,
                "finish_message": message_id,
                "finish_lease_until": lease_until,
            },
            condition="bake_token = :run AND (#state = :rendering OR (#state = :finishing"
            f" AND (finish_message = :finish_message OR {lapsed.condition})))",
            values={
                ":run": job.bake_token,
                ":rendering": JobState.RENDERING,
                ":finishing": JobState.FINISHING,
                **lapsed.values,
            },
        )

    def renew_finish(self, job_id: str, *, token: str, lease_until: int) -> bool:
        """False when another finisher has taken over or the job has ended."""
        return self._update_job(job_id, {"finish_lease_until": lease_until}, **self._as_finisher(token))

    def end_job(
        self,
        job_id: str,
        state: JobState,
        progress: Progress,
        reason: str,
        *,
        token: str,
        made: Sequence[str] = (),
        preview_note: str = "",
    ) -> bool:
        """False when another finisher has taken over or the job has ended."""
        ended = {
            "state": state,
            "reason": reason,
            "frames_done": progress.done,
            "frames_failed": progress.failed,
            "made": list(made),
            "preview_note": preview_note,
        }
        return self._update_job(job_id, ended, **self._as_finisher(token))

    @staticmethod
    def _as_finisher(token: str) -> dict[str, Any]:
        return {
            "condition": "#state = :finishing AND finish_token = :token",
            "values": {":finishing": JobState.FINISHING, ":token": token},
        }

    @staticmethod
    def _as_baker(token: str) -> dict[str, Any]:
        return {
            "condition": "#state = :baking AND bake_token = :token",
            "values": {":baking": JobState.BAKING, ":token": token},
        }

    def _update_job(
        self,
        job_id: str,
        attributes: Mapping[str, Any],
        *,
        condition: str = "attribute_exists(#state)",
        values: Mapping[str, Any] | None = None,
    ) -> bool:
        """Set attributes of a job if the condition holds; says whether it did."""
        update = set_attributes({**attributes, "updated_at": _now()})
        update["ExpressionAttributeNames"]["#state"] = "state"
        update["ExpressionAttributeValues"].update(_texts(values or {}))
        try:
            self._dynamodb.update_item(
                **update, TableName=self._table, Key=job_key(job_id), ConditionExpression=condition
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _now() -> str:
    return timestamp(datetime.now(UTC))


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    """The states among an expression's values as DynamoDB takes them."""
    return {name: str(value) if isinstance(value, JobState) else value for name, value in values.items()}
