"""Who goes first when memory runs out: what opens strangers' files, and never the agent."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

FIRST_TO_GO: Final = 500
"""Of 1000. A child has at first what the agent has, which is below nought (render-worker.service)."""


def offer_to_the_oom_killer(pid: int) -> None:
    """The system shall end this process, and those that it starts from now on, before the agent.

    Written by the parent: nothing can be done safely between fork and exec of a program with threads.
    """
    with contextlib.suppress(OSError):  # it has ended; or there is no Linux
        Path(f"/proc/{pid}/oom_score_adj").write_text(f"{FIRST_TO_GO}\n")
