"""What was seen of one assumption. A check that cannot be made is a verdict too, and says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from farm.doctor.finding import error_code


class Ruling(StrEnum):
    OK = "ok"
    NOT_SO = "not so"
    NOT_TRIED = "could not be tried"

    @property
    def mark(self) -> str:
        return {"ok": "✓", "not so": "✗", "could not be tried": "–"}[self]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check says; its assumption is known to whoever makes it."""

    ruling: Ruling
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    assumption: str
    """Its id in docs/aws-assumptions.md."""
    ruling: Ruling
    words: str

    def to_map(self) -> dict[str, str]:
        return asdict(self) | {"ruling": str(self.ruling)}


def ok(words: str) -> Seen:
    return Seen(Ruling.OK, words)


def not_so(words: str) -> Seen:
    return Seen(Ruling.NOT_SO, words)


def not_tried(words: str) -> Seen:
    return Seen(Ruling.NOT_TRIED, words)


class TimeOverError(Exception):
    """The whole examination may take no longer."""


def judge(assumption: str, check: Callable[[], Seen]) -> Verdict:
    """Make a check. What it raises says nothing of the assumption: it could not be tried."""
    try:
        seen = check()
    except Exception as error:  # whatever it is, the other checks have their say
        seen = not_tried(_said(error))
    return Verdict(assumption=assumption, ruling=seen.ruling, words=seen.words)


def _said(error: Exception) -> str:
    """In a line: of AWS its code and its own words."""
    code, response = error_code(error), getattr(error, "response", {})
    words = f"{code}: {response['Error'].get('Message', '')}" if code else str(error)
    lines = words.strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
