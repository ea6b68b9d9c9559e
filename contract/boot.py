"""Boots of machines that fail one after another, counted in the job table so that they end.

A machine that cannot be set up says why, counts itself here with a plain `update-item` of the AWS CLI (it has
no agent yet) and ends. The backlog's measure wants no machine once MAX_BOOT_FAILURES have failed in a row,
until another deploy counts anew, a machine does a task, or a person says `farm resume`. (An agent that merely
comes up clears nothing: one that ends again and again must reach the maximum, too.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from contract.table import PARTITION_KEY, SORT_KEY

MAX_BOOT_FAILURES: Final = 3
"""In a row, of one deploy."""
FAILURES: Final = "failures"
"""Attribute, a number: boots that have failed since a machine did its first task. Those that worked before
clear none: they would hide that no new one comes up."""
REASON: Final = "reason"
"""Attribute: what the last of them said, in a line."""
WORKER: Final = "worker_id"
"""Attribute: which machine that was; the name of its log stream, too."""
FAILED_AT: Final = "failed_at"
"""Attribute: when, as ISO 8601 in UTC."""


def boot_key(deploy_version: str) -> dict[str, str]:
    """Key of the item that counts the failed boots of one deploy."""
    return {PARTITION_KEY: "FLEET", SORT_KEY: f"BOOT#{deploy_version}"}


def fleet_version_key() -> dict[str, str]:
    """Key of the item whose attribute `worker_version` says of which version a running machine should be."""
    return {PARTITION_KEY: "FLEET", SORT_KEY: "VERSION"}


LONGEST_REASON: Final = 500
"""Characters of it that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedBoots:
    """Those in a row, of one deploy; none is nothing."""

    failures: int = 0
    reason: str = ""
    worker_id: str = ""
    failed_at: str = ""

    @classmethod
    def from_item(cls, item: Mapping[str, Any] | None) -> Self:
        """Numbers may be Decimal. A machine wrote the reason: it is cut, and made printable."""
        item = item or {}
        return cls(
            failures=int(item.get(FAILURES, 0)),
            reason=_one_line(str(item.get(REASON, ""))),
            worker_id=_one_line(str(item.get(WORKER, ""))),
            failed_at=_one_line(str(item.get(FAILED_AT, ""))),
        )

    @property
    def hold(self) -> bool:
        """Whether no other machine is started: the next would fail as well, and cost."""
        return self.failures >= MAX_BOOT_FAILURES

    @property
    def words(self) -> str:
        """How many, and what the last of them said: for people."""
        many = "1 machine" if self.failures == 1 else f"{self.failures} machines in a row"
        said = self.reason or "it did not say why"
        stream = f" (machine and log stream {self.worker_id})" if self.worker_id else ""
        return f"{many} could not be set up; the last said: {said}{stream}"


RESUME: Final = "mend that and deploy the change, or `farm resume` has it tried again"


def waits_for_boot(boots: FailedBoots) -> str:
    """Why a job has no machine, and what to do, in words for its owner; empty while machines are started."""
    return f"no machine is started any more: {boots.words}: {RESUME}" if boots.hold else ""


def count_boot(*, table: str, deploy_version: str, boots: FailedBoots) -> dict[str, Any]:
    """An update that adds what `boots` says to those counted; as worker_agent/boot/give_up.sh writes it."""
    return {
        "TableName": table,
        "Key": boot_key(deploy_version),
        "UpdateExpression": "ADD #failures :more SET #reason = :reason, #worker = :worker, #at = :at",
        "ExpressionAttributeNames": {
            "#failures": FAILURES,
            "#reason": REASON,
            "#worker": WORKER,
            "#at": FAILED_AT,
        },
        "ExpressionAttributeValues": {
            ":more": boots.failures,
            ":reason": boots.reason,
            ":worker": boots.worker_id,
            ":at": boots.failed_at,
        },
    }


def clear_boots(*, table: str, deploy_version: str) -> dict[str, Any]:
    """An update that lets machines be started again; its condition fails when none has failed."""
    return {
        "TableName": table,
        "Key": boot_key(deploy_version),
        "UpdateExpression": "SET #failures = :none",
        "ConditionExpression": "#failures > :none",
        "ExpressionAttributeNames": {"#failures": FAILURES},
        "ExpressionAttributeValues": {":none": 0},
    }


def _one_line(text: str) -> str:
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= LONGEST_REASON else f"{words[: LONGEST_REASON - 1]}…"
