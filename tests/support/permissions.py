"""Who may do what, by the policies in the synthesized templates: a small part of IAM's evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tests.support.synthesized import Synthesized

_ALL_LIKE = "ForAllValues:StringLike"


@dataclass(frozen=True, slots=True)
class Statement:
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]]
    principal: Any = None

    def covers(self, action: str, resource: str) -> bool:
        return any(fnmatchcase(action.lower(), a.lower()) for a in self.actions) and any(
            fnmatchcase(resource, r) for r in self.resources
        )


def read_policy(document: Mapping[str, Any]) -> list[Statement]:
    """The statements of a resolved policy document."""
    return [
        Statement(
            raw["Effect"],
            tuple(_listed(raw["Action"])),
            tuple(_listed(raw.get("Resource", []))),
            raw.get("Condition", {}),
            raw.get("Principal"),
        )
        for raw in document["Statement"]
    ]


def identity_statements(farm: Synthesized) -> Iterator[tuple[str, Statement]]:
    """Every statement of every role, with the role's name."""
    for policy in farm.resources("AWS::IAM::Policy"):
        for statement in read_policy(policy.properties["PolicyDocument"]):
            for role in policy.properties["Roles"]:
                yield role, statement


def may(farm: Synthesized, role: str, action: str, resource: str, **context: str) -> bool:
    """Whether a role may do this to that, in a request with these condition keys (`__` for `:`)."""
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    return any(
        statement.effect == "Allow" and statement.covers(action, resource) and _holds(statement, keys)
        for name, statement in identity_statements(farm)
        if name == role
    )


def _holds(statement: Statement, keys: Mapping[str, str]) -> bool:
    assert set(statement.conditions) <= {"StringEquals", _ALL_LIKE}, statement.conditions
    equals, like = statement.conditions.get("StringEquals", {}), statement.conditions.get(_ALL_LIKE, {})
    return all(keys.get(k) == v for k, v in equals.items()) and all(
        k not in keys or any(fnmatchcase(keys[k], pattern) for pattern in _listed(v)) for k, v in like.items()
    )  # a request that names no such key passes, as in IAM


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
