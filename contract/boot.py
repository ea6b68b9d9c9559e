"""Boots of machines that fail one after another, counted in the job table so that they end.

A machine that cannot be set up says why, counts itself here with a plain `update-item` of the AWS CLI (it has
no agent yet) and ends. The backlog's measure wants no machine once MAX_BOOT_FAILURES have failed in a row,
until another deploy counts anew, an agent comes up, or a person says `farm resume`.
"""

from __future__ import annotations

from typing import Final

from contract.table import PARTITION_KEY, SORT_KEY

MAX_BOOT_FAILURES: Final = 3
"""In a row, of one deploy."""
FAILURES: Final = "failures"
"""Attribute, a number: boots that have failed since the last that did not."""
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
