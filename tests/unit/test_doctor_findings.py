"""What the doctor's checks say, and what is said of a check that fails."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from farm.doctor.finding import Finding, Level, Said, broken, examine, well


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Ask")


def fails(error: Exception) -> Any:
    def check() -> Said:
        raise error

    return check


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal("AccessDeniedException"), "may not ask"),
        (EndpointConnectionError(endpoint_url="http://x"), "Could not connect"),
        (KeyError("DeadLetterQueueUrl"), "DeadLetterQueueUrl"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_check_that_fails_is_told_and_the_next_is_made(error: Exception, words: str) -> None:
    found = list(examine([("one", fails(error)), ("two", lambda: well("fine"))]))
    assert [finding.level for finding in found] == [Level.WARNING, Level.WELL]
    assert found[0].words.startswith("not checked")
    assert words in found[0].words


def test_a_finding_for_json() -> None:
    (found,) = examine([("disk", lambda: broken("full", "make room"))])
    assert found == Finding(check="disk", level=Level.BROKEN, words="full", advice="make room")
    assert json.loads(json.dumps(found.to_map())) == {
        "check": "disk",
        "level": "broken",
        "words": "full",
        "advice": "make room",
    }
