"""How many Blenders render a job on this worker at once, from what its frames use of the machine.

A frame is partly the work of one thread (building the scene, compositing) and partly of all. One Blender then
leaves processors idle; several at different points of their frames do not. Each keeps a thread for every
processor: what one cannot use at a moment, another can.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from contract.blender_sessions import MOST_BLENDER_SESSIONS
from worker_agent.seats.session_ceiling import SessionCeiling

ENOUGH: Final = 0.85
"""As few sessions as promise so much of what the most could do: a frame takes longer beside others."""
WORTH: Final = 0.1
"""A step to more sessions has brought at least so much of what it could at best, or it is taken back."""
SHARE_OF_MEMORY: Final = 0.7
"""Of what is free and what the sessions have; the rest is for what other frames need more."""
FULL_SHARE_OF_MEMORY: Final = 0.85
"""From there on there are too many: more than decides at first, or each odd reading would take one away."""
SLOWER: Final = 2.0
"""When frames take so many times as long, it is looked again whether fewer sessions are as quick."""
FIRST_TURNS: Final = 3
"""Are looked at before a decision; of several sessions one more than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTurn:
    """What was measured while one task's frames were rendered, in a scene that had rendered before."""

    sessions: int
    """That rendered the job, this one among them."""
    frame_seconds: float
    """How long one of its frames took."""
    cores_used: float
    """Processor seconds that Blender took, for each second."""
    cores_idle: float
    """Processors of the machine that nobody used meanwhile, on the average."""
    memory_bytes: int
    """That this Blender had at its peak."""
    free_memory_bytes: int
    """That the machine would have left with all of them at their peak; below nought when that is too much."""


def useful_sessions(cores_used: float, cores_idle: float) -> int:
    """How many sessions fill a machine on which one uses and leaves idle so many processors."""
    used = max(cores_used, 0.01)
    most_gain = (used + max(cores_idle, 0.0)) / used
    return max(1, min(MOST_BLENDER_SESSIONS, math.ceil(ENOUGH * most_gain)))


@dataclass(slots=True)
class JobSessions:
    """One job's number: 1 at first, more step by step while that renders more, then settled.

    A settled number falls for memory, for frames that fail by it, or when fewer are as quick. After the first
    two it rises again as its ceiling does.
    """

    ceiling: SessionCeiling = field(default_factory=SessionCeiling)
    count: int = 1
    settled: bool = False
    wanted: int = 1
    """As many as fill the machine, as far as is known."""
    limit: int = MOST_BLENDER_SESSIONS
    """Of this machine."""
    _turns: list[RenderedTurn] = field(default_factory=list)
    """Measured with the present number."""
    _before: tuple[int, float] = (1, 0.0)
    """The number before, and its frames a second."""
    _usual_seconds: float | None = None
    """What a frame took when it was last looked whether the settled number is right."""
    _tries_fewer: bool = False

    def add(self, turn: RenderedTurn) -> None:
        """A turn has ended. One that began with another number of sessions says nothing."""
        if turn.sessions != self.count or not (self._is_open or self.ceiling.is_lowered):
            return
        self.ceiling.hold()
        self._turns.append(turn)
        if len(self._turns) < max(FIRST_TURNS, self.count + 1):
            return
        if self._has_outgrown():
            room = max(1, self._have_room())
            self.ceiling.lower(room, goal=self.count)
            self._settle(room)
        elif self.settled:
            self._look_again()
        else:
            self._decide()
        self._turns = []

    def fail(self, sessions: int) -> None:
        """A frame has failed for want of memory or time while so many were open: fewer from now on."""
        self.ceiling.fail(sessions, goal=max(self.count, self.wanted))
        if self.count > self.ceiling.most or not self.settled:
            self._settle(min(self.count, self.ceiling.most))
            self._turns = []

    @property
    def _is_open(self) -> bool:
        """Whether more or fewer could turn out better, were there no ceiling."""
        return not self.settled or self.count > 1 or self._tries_fewer

    def _settle(self, count: int) -> None:
        self.count, self.settled = count, True
        self._usual_seconds, self._tries_fewer = None, False

    def _decide(self) -> None:
        frames_a_second = self._frames_a_second()
        if self.count == 1:
            self.wanted = useful_sessions(
                median(turn.cores_used for turn in self._turns),
                median(turn.cores_idle for turn in self._turns),
            )
        elif not self._was_worth_it(frames_a_second):
            self.ceiling.take_back()
            self._settle(self._before[0])
            return
        self._before = self.count, frames_a_second
        following = min(2 * self.count, self.wanted, self._have_room(), self.limit)
        if following > self.count:
            self.count = following
        else:
            self._settle(self.count)

    def _look_again(self) -> None:
        """Half as many, once frames have become much slower; back again if that is less. Else more, when the
        ceiling that made the number fall rises.
        """
        frames_a_second = self._frames_a_second()
        seconds = self.count / frames_a_second
        if self._tries_fewer:
            count, before = self._before
            if before / frames_a_second >= 1 + WORTH * (count / self.count - 1):
                self._settle(count)
                self._usual_seconds = count / before
                return
        elif self.count == 1 or self._usual_seconds is None or seconds < SLOWER * self._usual_seconds:
            self._usual_seconds = self._usual_seconds or seconds
            self._try_more(frames_a_second)
            return
        self._before, self._tries_fewer = (self.count, frames_a_second), self.count > 1
        self.count = max(1, self.count // 2)

    def _try_more(self, frames_a_second: float) -> None:
        following = min(self.ceiling.following(self.count), self._have_room(), self.limit)
        self.ceiling.rise(self.count, following)
        if following > self.count:
            self._before = self.count, frames_a_second
            self.count = self.wanted = following
            self.settled = False  # it has to show what it brings, as any step up

    def _frames_a_second(self) -> float:
        return self.count / median(turn.frame_seconds for turn in self._turns)

    def _has_outgrown(self) -> bool:
        largest_bytes = max(turn.memory_bytes for turn in self._turns)
        free_bytes = max(turn.free_memory_bytes for turn in self._turns)
        return FULL_SHARE_OF_MEMORY * (self.count + free_bytes / max(largest_bytes, 1)) < self.count

    def _was_worth_it(self, frames_a_second: float) -> bool:
        count, before = self._before
        return frames_a_second / before >= 1 + WORTH * (self.count / count - 1)

    def _have_room(self) -> int:
        largest_bytes = max(turn.memory_bytes for turn in self._turns)
        free_bytes = min(turn.free_memory_bytes for turn in self._turns)
        return int(SHARE_OF_MEMORY * (self.count + free_bytes / max(largest_bytes, 1)))
