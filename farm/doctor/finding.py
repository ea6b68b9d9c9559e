"""What a check found. One that cannot be made is a finding too, and keeps none of the others from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    WELL = "well"
    WARNING = "warning"
    """The farm works, and a person should know."""
    BROKEN = "broken"

    @property
    def mark(self) -> str:
        return {"well": "✓", "warning": "!", "broken": "✗"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    check: str
    level: Level
    words: str
    advice: str = ""
    """What to do; empty when nothing is to be done."""

    def to_map(self) -> dict[str, str]:
        return asdict(self) | {"level": str(self.level)}


@dataclass(frozen=True, slots=True)
class Said:
    """What a check says; its name is known to whoever makes it."""

    level: Level
    words: str
    advice: str = ""


def well(words: str) -> Said:
    return Said(Level.WELL, words)


def warning(words: str, advice: str = "") -> Said:
    return Said(Level.WARNING, words, advice)


def broken(words: str, advice: str) -> Said:
    return Said(Level.BROKEN, words, advice)


Check = tuple[str, Callable[[], Said]]
"""Its name, and what makes it. It may raise whatever it will."""


def examine(checks: Iterable[Check]) -> Iterator[Finding]:
    """Make each check in turn."""
    for name, check in checks:
        try:
            said = check()
        except Exception as error:  # whatever it is, the other checks have their say
            said = could_not_be_made(error)
        yield Finding(check=name, level=said.level, words=said.words, advice=said.advice)


def could_not_be_made(error: Exception) -> Said:
    """Nothing is known to be broken; but neither is it known to be well."""
    code = error_code(error)
    if "AccessDenied" in code or "Unauthorized" in code or "NotAuthorized" in code:
        return warning(
            f"not checked: these credentials may not ask ({code})",
            "use credentials that may, or leave it: the farm's own are others",
        )
    said = str(error).strip().splitlines() or [type(error).__name__]
    return warning(f"not checked: {said[0][:300]}")


def error_code(error: Exception) -> str:
    """AWS's code of an error; empty for others."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
