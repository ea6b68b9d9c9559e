"""What a worker takes on at once: one task, or several quick frames of one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contract.frames import format_frames, parse_frames
from contract.tasks import RenderTask, Task
from worker_agent.tasks.task_queue import Message

MOST_FRAMES: Final = 10
"""As many messages as SQS gives in one call."""
CLAIM_SECONDS: Final = 5.0
"""Work that is claimed at once, at most: an interruption undoes it, and another worker could have done it."""


def frames_at_once(frame_seconds: float | None) -> int:
    """How many frames to claim when one takes so long (None: nobody knows)."""
    if frame_seconds is None:
        return 1
    return max(1, min(MOST_FRAMES, int(CLAIM_SECONDS / max(frame_seconds, 0.001))))


@dataclass(frozen=True, slots=True)
class Claim:
    """One task, made of the tasks of one message or of several."""

    task: Task
    parts: tuple[tuple[Message, Task], ...]

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(message for message, _ in self.parts)

    def of_frames(self, frames: Sequence[int]) -> tuple[Message, ...]:
        """The messages that ask for one of these frames; all of them when there are none to look for."""
        if not frames:
            return self.messages
        wanted = set(frames)
        return tuple(message for message, task in self.parts if wanted & set(_frames(task)))


def join(tasks: Sequence[tuple[Message, Task]], *, most_frames: int) -> tuple[Claim, tuple[Message, ...]]:
    """A claim that begins with the first of these tasks, and the messages that are not in it.

    `most_frames` is what may be claimed of the first one's job.
    """
    (message, first), *others = tasks
    if not isinstance(first, RenderTask):
        return Claim(first, ((message, first),)), tuple(other for other, _ in others)
    parts: list[tuple[Message, Task]] = [(message, first)]
    frames = set(parse_frames(first.frames))
    left = []
    for other, task in others:
        more = frames | set(_frames(task))
        if task.job_id == first.job_id and isinstance(task, RenderTask) and len(more) <= most_frames:
            parts.append((other, task))
            frames = more
        else:
            left.append(other)
    joined = RenderTask(first.job_id, format_frames(sorted(frames))) if len(parts) > 1 else first
    return Claim(joined, tuple(parts)), tuple(left)


def _frames(task: Task) -> tuple[int, ...]:
    return parse_frames(task.frames) if isinstance(task, RenderTask) else ()
