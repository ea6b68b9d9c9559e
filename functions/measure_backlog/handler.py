"""Measures the backlog and emits it, each minute. On an error nothing is emitted: scaling stays as it is."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict
from functools import cache
from typing import Any

import boto3

from contract.scaling import measure_backlog
from contract.settings import BacklogSettings
from functions.measure_backlog.observation import emit, observe

logging.getLogger().setLevel(logging.INFO)
log = logging.getLogger(__name__)


@cache
def _settings() -> BacklogSettings:
    return BacklogSettings.from_env(os.environ)


@cache
def _client(service: Any) -> Any:
    return boto3.client(service)


def handle(event: object, context: object) -> dict[str, Any]:
    """Lambda entry. Returns what it emitted, for whoever calls it by hand."""
    settings = _settings()
    backlog = measure_backlog(**observe(settings, sqs=_client("sqs"), autoscaling=_client("autoscaling")))
    emit(backlog, settings, cloudwatch=_client("cloudwatch"))
    log.info("%s", backlog)
    return asdict(backlog)
