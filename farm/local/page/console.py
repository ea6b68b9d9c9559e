"""The console's part: has the deployed functions draw and act, and asks the deployed metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from farm.local.page.chart import draw
from farm.local.page.dashboard import Dashboard
from farm.local.page.series import measure

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient


class ConsoleError(RuntimeError):
    """The deployed farm does not answer as it should; the message says which part of it, and how."""


class NotOursError(ValueError):
    """A button that calls something else than the farm's own function."""


@dataclass(kw_only=True)
class Console:
    functions: LambdaClient
    cloudwatch: CloudWatchClient
    dashboard_name: str
    action_function: str
    """Name of the only function that buttons may call."""
    now: Callable[[], datetime]
    _drawing: Lock = field(default_factory=Lock)
    """Two windows take turns: for a second call at once another process would be started."""

    @cached_property
    def dashboard(self) -> Dashboard:
        """As deployed: a page lives no longer than what is deployed."""
        body = self.cloudwatch.get_dashboard(DashboardName=self.dashboard_name)["DashboardBody"]
        return Dashboard.of(json.loads(body))

    def jobs(self, *, theme: str, width: int) -> str:
        """The jobs' HTML. Raises ConsoleError, DashboardError and what the clients raise."""
        widget = self.dashboard.jobs
        with self._drawing:
            return self._invoke(widget.endpoint, widget.parameters, theme=theme, width=width)

    def act(self, endpoint: str, parameters: Mapping[str, Any], *, theme: str, width: int) -> str:
        """What a button's function answers, as HTML. Raises NotOursError as well."""
        _, named, function = endpoint.rpartition(":function:")
        if not named or function != self.action_function:
            raise NotOursError(f"a button calls {endpoint[:200]!r}: expected {self.action_function}")
        return self._invoke(endpoint, parameters, theme=theme, width=width)

    def graphs(self, *, width: int, minutes: int) -> str:
        """Each graph's drawing, `width` CSS pixels wide. Raises what the clients raise."""
        now = self.now()
        start, end = (now - timedelta(minutes=minutes)).timestamp(), now.timestamp()
        zone = now.astimezone().tzinfo
        assert zone
        return "".join(
            draw(measured, width=width, start=start, end=end, zone=zone)
            for measured in measure(self.cloudwatch, self.dashboard.graphs, now=now, minutes=minutes)
        )

    def _invoke(self, endpoint: str, parameters: Mapping[str, Any], *, theme: str, width: int) -> str:
        context = {
            "dashboardName": self.dashboard_name,
            "widgetId": "widget-1",
            "locale": "en",
            "timezone": {"label": "UTC", "offsetISO": "+00:00", "offsetInMinutes": 0},
            "theme": theme,
            "width": width,
            "forms": {"all": {}},
            "params": dict(self.dashboard.jobs.parameters),
        }
        event = {**parameters, "widgetContext": context}
        answer = self.functions.invoke(FunctionName=endpoint, Payload=json.dumps(event))
        payload = answer["Payload"].read()
        name = endpoint.rpartition(":")[2]
        if "FunctionError" in answer:
            raise ConsoleError(f"{name} failed: {payload.decode('utf-8', 'replace')[:500]}")
        html = json.loads(payload)
        if not isinstance(html, str):
            raise ConsoleError(f"{name} answered {payload[:200]!r}: expected HTML")
        return html
