"""What the console asks for: a widget of this size, in this theme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

DEFAULT_WIDTH: Final = 1200
DEFAULT_JOBS: Final = 50
MAX_JOBS: Final = 200

DOCUMENTATION: Final = f"""\
## Jobs of the render farm
Each job's state, progress, speed, time left, cost, failed frames and latest pictures, the running ones first.

### Widget parameters
Param | Description
---|---
**jobs** | How many of the newest jobs to show, 1 to {MAX_JOBS} (optional, {DEFAULT_JOBS} without it)

### Example parameters
``` yaml
jobs: {DEFAULT_JOBS}
```
"""


class Theme(StrEnum):
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    theme: Theme = Theme.LIGHT
    width: int = DEFAULT_WIDTH
    """In CSS pixels."""
    jobs: int = DEFAULT_JOBS

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """From Lambda's event. What is missing or odd gets its default: a page is better than an error."""
        context = event.get("widgetContext")
        context = context if isinstance(context, Mapping) else {}
        return cls(
            theme=Theme.DARK if context.get("theme") == Theme.DARK else Theme.LIGHT,
            width=_number(context.get("width"), DEFAULT_WIDTH, 200, 10_000),
            jobs=_number(event.get("jobs"), DEFAULT_JOBS, 1, MAX_JOBS),
        )


def _number(value: Any, default: int, least: int, most: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:10])
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return default
    return int(min(max(value, least), most))
