"""Tells the job table that this machine works: boots that failed before it are no longer counted."""

from __future__ import annotations

import logging
from typing import Any

from contract.boot import clear_boots

log = logging.getLogger(__name__)


class BootRecord:
    """Told of each task that is done; it writes once. `dynamodb` is a resource's client.

    Not at the agent's start: one that ends again and again would clear what it is counted by.
    """

    def __init__(self, dynamodb: Any, *, table: str, deploy_version: str) -> None:
        self._dynamodb = dynamodb
        self._clear = clear_boots(table=table, deploy_version=deploy_version)
        self._said = False

    def has_worked(self) -> None:
        """Nothing of it is an error of the task's: what could not be said is said after the next one."""
        if self._said:
            return
        try:
            self._dynamodb.update_item(**self._clear)
            log.info("machines that could not be set up before this one count no more")
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            pass  # none had failed
        except Exception as error:
            log.warning("could not say that this machine works: %s", error)
            return
        self._said = True
