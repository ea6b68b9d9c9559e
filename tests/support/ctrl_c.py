"""Children of tests that are to be interrupted."""

from __future__ import annotations

import signal


def hear_ctrl_c() -> None:
    """A test run in the background, as CI may be, ignores SIGINT, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
