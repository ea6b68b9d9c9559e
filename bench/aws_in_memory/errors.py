"""What a service answers when it refuses."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """An error of AWS: its code, its message, and what else its answer says."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.more = more
