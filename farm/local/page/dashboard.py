"""The deployed dashboard as it is written: its graphs, and its widget that a function draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


class DashboardError(ValueError):
    """What is deployed is no dashboard of ours; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One metric of a graph."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    period_seconds: int
    label: str

    @classmethod
    def of(cls, parts: Sequence[Any], properties: Mapping[str, Any]) -> Self | None:
        """None for what is computed of other lines."""
        names = [part for part in parts if isinstance(part, str)]
        options: Mapping[str, Any] = next((part for part in parts if isinstance(part, Mapping)), {})
        if len(names) < 2 or len(names) % 2 or "expression" in options:
            return None
        return cls(
            namespace=names[0],
            name=names[1],
            dimensions=dict(zip(names[2::2], names[3::2], strict=True)),
            statistic=str(options.get("stat", properties.get("stat", "Average"))),
            period_seconds=int(options.get("period", properties.get("period", 300))),
            label=str(options.get("label", names[1])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A value that a line is held against."""

    value: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    title: str
    lines: tuple[Line, ...]
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomWidget:
    endpoint: str
    """ARN of the function that draws it."""
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    jobs: CustomWidget
    graphs: tuple[Graph, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From a dashboard's body. Raises DashboardError."""
        widgets = [(widget.get("type"), widget.get("properties", {})) for widget in body.get("widgets", [])]
        custom = [properties for kind, properties in widgets if kind == "custom"]
        if not custom:
            raise DashboardError("the deployed dashboard has no widget of jobs: run `farm local up`")
        return cls(
            jobs=CustomWidget(endpoint=custom[0]["endpoint"], parameters=custom[0].get("params") or {}),
            graphs=tuple(_graph(properties) for kind, properties in widgets if kind == "metric"),
        )


def _graph(properties: Mapping[str, Any]) -> Graph:
    lines = (Line.of(parts, properties) for parts in properties.get("metrics", []))
    marks = properties.get("annotations", {}).get("horizontal", [])
    return Graph(
        title=str(properties.get("title", "")),
        lines=tuple(line for line in lines if line),
        targets=tuple(Target(value=float(m["value"]), label=str(m.get("label", ""))) for m in marks),
    )
