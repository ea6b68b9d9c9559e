"""Trying again where a connection broke, for as long as it makes sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from botocore.exceptions import (
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import (
    ConnectionError as AwsConnectionError,
)
from urllib3.exceptions import HTTPError

Answer = TypeVar("Answer")
BROKEN: Final = (AwsConnectionError, HTTPClientError, IncompleteReadError, HTTPError, ConnectionError)
"""The way there, not what lies at its end."""
_PASSING_CODES: Final = frozenset(
    {"RequestTimeout", "SlowDown", "InternalError", "ServiceUnavailable", "Throttling", "BadDigest"}
)
"""BadDigest: what arrived is not what was sent."""


class GaveUpError(OSError):
    """Nothing came through for too long; the message says what was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long a call is tried."""

    pause: Callable[[float], object]
    """Sleeps so many seconds, or ends the attempt by raising."""
    first_seconds: float = 0.5
    longest_seconds: float = 30
    tries: int = 12
    """In a row without success: four minutes or so."""

    def wait(self, failures: int) -> None:
        """After that many failures in a row, from 1."""
        self.pause(min(self.longest_seconds, self.first_seconds * 2 ** (failures - 1)))

    def call(self, what: str, call: Callable[[], Answer]) -> Answer:
        """The call's answer, whatever breaks on the way. Raises GaveUpError, and what is no broken way."""
        for failures in range(1, self.tries + 1):
            try:
                return call()
            except Exception as error:
                if not is_passing(error):
                    raise
                last = error
            if failures < self.tries:
                self.wait(failures)
        raise GaveUpError(
            f"{what} did not succeed in {self.tries} tries: {last}. Try again later: it goes on"
        )


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(error, ClientError):
        return status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR or code_of(error) in _PASSING_CODES
    return isinstance(error, BROKEN)


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    answer: Any = error.response.get("ResponseMetadata", {})
    return int(answer.get("HTTPStatusCode", 0))
