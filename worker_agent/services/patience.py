"""Patience with services: what a task has made is not thrown away because one fails for minutes.

A thread that does a task enters `held`. Every call that it makes through a patient client (see `patient`)
is then refused once the task's lease is lost, and tried again while a service is in trouble, for as long
as the lease is held and nobody asks the worker to go. Other threads, and code within `impatient`, make
plain calls.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast

from worker_agent.services.transient import is_conflict, is_transient
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.watchdog import still_alive

log = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 60.0
"""Bounds of the longest wait after a failure: it doubles each time, and the wait is any part of it."""
LOOK_SECONDS: Final = 0.25
"""How often one who waits looks whether it should go."""


@dataclass(frozen=True, slots=True)
class _Hold:
    lease: Lease
    give_up: Callable[[], bool]
    sleep: Callable[[float], None]


_hold: ContextVar[_Hold | None] = ContextVar("hold", default=None)


@contextmanager
def held(
    lease: Lease, give_up: Callable[[], bool], sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """This thread does the task of that lease. `give_up` says that it must go and wait for no service."""
    token = _hold.set(_Hold(lease, give_up, sleep))
    try:
        yield
    finally:
        _hold.reset(token)


@contextmanager
def hurried(give_up: Callable[[], bool]) -> Iterator[None]:
    """What is called inside is also given up for that reason, if a task is held at all."""
    hold = _hold.get()
    if hold is None:
        yield
        return
    theirs = hold.give_up
    token = _hold.set(replace(hold, give_up=lambda: theirs() or give_up()))
    try:
        yield
    finally:
        _hold.reset(token)


@contextmanager
def impatient() -> Iterator[None]:
    """What is called inside is worth no waiting."""
    token = _hold.set(None)
    try:
        yield
    finally:
        _hold.reset(token)


def patiently(
    function: Callable[[], T], what: str, transient: Callable[[Exception], bool] = is_transient
) -> T:
    """Call it until it succeeds or fails for good.

    Raises InterruptedTaskError when the task is to be left: its lease is lost, or the worker must go.
    """
    hold = _hold.get()
    if hold is None:
        return function()
    longest = FIRST_SECONDS
    while True:
        still_alive()
        if hold.lease.lost:
            raise InterruptedTaskError(f"the lease was lost before {what}")
        try:
            return function()
        except Exception as error:
            if not transient(error):
                raise
            seconds = random.uniform(0, longest)
            log.warning("%s failed, again in %.1f s: %s", what, seconds, error)
            if not _wait(hold, seconds):
                raise InterruptedTaskError(f"{what} failed, and there is no time to wait: {error}") from error
        longest = min(LONGEST_SECONDS, 2 * longest)


def patient(client: T) -> T:
    """A client of AWS whose calls are patient. A transaction that met another is its caller's to repeat."""
    return cast(T, _PatientClient(client))


class _PatientClient:
    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        if not callable(value) or name in _CALLS_NO_SERVICE:
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            return patiently(
                lambda: value(*args, **kwargs),
                f"{self._client.meta.service_model.service_name} {name}",
                lambda error: is_transient(error) and not is_conflict(error),
            )

        return call


_CALLS_NO_SERVICE: Final = {"can_paginate", "close", "generate_presigned_url", "get_paginator", "get_waiter"}


def _wait(hold: _Hold, seconds: float) -> bool:
    """False when the task is to be left at once."""
    while not (hold.give_up() or hold.lease.lost):
        if seconds <= 0:
            return True
        still_alive()
        hold.sleep(min(seconds, LOOK_SECONDS))
        seconds -= LOOK_SECONDS
    return False
