"""When an open Blender has grown so much that it is closed and its scene opened anew."""

from __future__ import annotations

from statistics import median
from typing import Final

from contract.archives import GIB, size_in_words

FIRST_TURNS: Final = 3
"""After so many tasks a scene has what it keeps from one frame to the next."""
GROWTH_FACTOR: Final = 2.0
GROWTH_BYTES: Final = GIB
SHARE_OF_MEMORY: Final = 0.7
"""From there on a session that has grown is opened anew, whatever that costs: it would be killed soon."""
LEAST_GROWTH_FACTOR: Final = 1.25
"""A scene that is merely large is as large again when it has been opened anew."""
OPENINGS_APART: Final = 25
"""It has rendered for so many times what opening it cost, or it stays open: a twentieth of the time is the
most that all may take, and not all of it can be measured here."""
USUAL_OF_TURNS: Final = 5
"""With these, right after the first ones, they are compared: a machine's pace changes from hour to hour."""


class SessionGrowth:
    """One open scene's memory, and what its frames took, looked at between two tasks."""

    def __init__(self, *, most_bytes: int, opening_seconds: float) -> None:
        """`most_bytes` is what it is killed at; `opening_seconds` how long the end of the one before, its
        start and its opening took together."""
        self._most_bytes = most_bytes
        self._opening_seconds = opening_seconds
        self._first_bytes = 0
        self._first_turns: list[tuple[int, float]] = []
        """How many frames each of them had, and how long they took."""
        self._usual_seconds: list[float] = []
        """What a frame took in each of those after them."""
        self._frames, self._rendered_seconds = 0, 0.0
        self._bytes = 0
        self._grown_bytes, self._task_seconds = 0, 0.0
        """What the last task added to both."""

    def look(self, memory_bytes: int, *, frames: int, seconds: float) -> None:
        """A task is done, and left so much memory. Since the scene was opened, so many frames have been
        rendered in so many seconds altogether."""
        of_task = frames - self._frames, seconds - self._rendered_seconds
        if not of_task[0]:
            return
        self._frames, self._rendered_seconds = frames, seconds
        self._task_seconds = of_task[1]
        self._bytes, self._grown_bytes = memory_bytes, memory_bytes - self._bytes
        if len(self._first_turns) < FIRST_TURNS:
            self._first_turns.append(of_task)
            self._first_bytes = max(self._first_bytes, memory_bytes)
        elif len(self._usual_seconds) < USUAL_OF_TURNS:
            self._usual_seconds.append(of_task[1] / of_task[0])

    def is_foreseen(self, sessions: int = 1) -> bool:
        """Whether it is to be opened anew after the task that it is at, should that be as the last one was.
        Safe to ask from any thread."""
        memory_bytes = self._bytes + max(0, self._grown_bytes)
        return bool(self._excess(memory_bytes, self._rendered_seconds + self._task_seconds, sessions))

    def excess(self, sessions: int = 1) -> str:
        """Why this session, one of so many at once, is to be opened anew, in words; empty when it is not."""
        return self._excess(self._bytes, self._rendered_seconds, sessions)

    def _excess(self, memory_bytes: int, rendered_seconds: float, sessions: int) -> str:
        if len(self._first_turns) < FIRST_TURNS:
            return ""
        grown = f"it has grown from {size_in_words(self._first_bytes)} to {size_in_words(memory_bytes)}"
        in_danger = memory_bytes >= SHARE_OF_MEMORY * self._most_bytes / sessions
        if in_danger and memory_bytes >= LEAST_GROWTH_FACTOR * self._first_bytes:
            most = size_in_words(self._most_bytes)
            return f"{grown}, and " + (f"{sessions} share {most}" if sessions > 1 else f"would end at {most}")
        has_grown = memory_bytes > GROWTH_FACTOR * self._first_bytes + GROWTH_BYTES
        if has_grown and rendered_seconds >= OPENINGS_APART * self.cost_seconds:
            return grown
        return ""

    @property
    def cost_seconds(self) -> float:
        """What opening it has cost, with what its first frames took longer than later ones."""
        later = tuple(self._usual_seconds)
        if not later:
            return self._opening_seconds
        usual = median(later)
        longer = sum(seconds - frames * usual for frames, seconds in self._first_turns)
        return self._opening_seconds + max(0.0, longer)  # together: each alone is late or early by chance
