"""The list, kept in the repository, of all that anybody may do to the farm's resources.

[principal]
action  resource  if condition
deny action  resource  if condition

[AWS cannot scope]
action  why
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.granted import Grant

UNSCOPED = "AWS cannot scope"
"""The section of the actions that may be allowed on `*`."""


@dataclass(frozen=True, slots=True)
class AllowList:
    grants: frozenset[Grant]
    unscoped: Mapping[str, str]
    """Actions that AWS lets nobody allow on less than everything, and why that is so."""

    @classmethod
    def read(cls, path: Path) -> AllowList:
        """Raises AssertionError at a line that is not understood, or that stands there twice."""
        grants: list[Grant] = []
        unscoped: dict[str, str] = {}
        for section, line in _lines(path.read_text()):
            if section == UNSCOPED:
                action, _, reason = line.partition(" ")
                assert reason.strip(), f"{path.name}: {action} without a reason"
                unscoped[action] = reason.strip()
            else:
                grants.append(_parse(section, line))
        assert len(set(grants)) == len(grants), f"{path.name} says something twice"
        return cls(frozenset(grants), unscoped)


def format_grants(grants: Iterable[Grant]) -> str:
    """The grants as the list has them."""
    sections: dict[str, list[Grant]] = defaultdict(list)
    for grant in sorted(grants, key=lambda g: (g.principal, g.effect, g.resource, g.action, g.condition)):
        sections[grant.principal].append(grant)
    return "\n".join(
        f"[{principal}]\n" + "".join(f"{_line(grant)}\n" for grant in found)
        for principal, found in sections.items()
    )


def _line(grant: Grant) -> str:
    action = f"deny {grant.action}" if grant.effect == "deny" else grant.action
    return f"{action:<48}  {grant.resource}" + (f"  if {grant.condition}" if grant.condition else "")


def _parse(principal: str, line: str) -> Grant:
    effect, rest = ("deny", line.removeprefix("deny ")) if line.startswith("deny ") else ("allow", line)
    what, _, condition = rest.partition("  if ")
    words = what.split()
    assert principal and len(words) == 2, f"not understood: {line!r}"
    return Grant(principal, effect, words[0], words[1], condition.strip())


def _lines(text: str) -> Iterator[tuple[str, str]]:
    section = ""
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            yield section, line
