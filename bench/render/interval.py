"""From agents' notes of their requests: when a job's rendering began and ended, and what it called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.render.blender import BenchError
from bench.render.recording_agent import Note
from contract.frame_record import FrameRecord
from contract.job import Job
from contract.keys import frames_prefix

_RECORD_WRITES: Final = ("TransactWriteItems",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From the answer that brought the first render task to the answer to the last record's write.

    Epoch seconds.
    """

    claimed: float
    recorded: float
    first_upload: float
    """When the first picture's upload began: it was rendered and looked at by then."""
    calls: Mapping[str, int]

    @classmethod
    def of(cls, notes: Sequence[Note], job: Job) -> Interval:
        """Raises BenchError when the notes lack what they must have."""
        claimed = _first(notes, ("RenderTask", job.job_id))
        finish = _first(notes, ("FinishTask", job.job_id))
        within = [note for note in notes if claimed <= note.at <= finish]
        writes = [note.at for note in within if note.answered and note.name in _RECORD_WRITES]
        prefix = frames_prefix(job.project, job.job_id)
        uploads = [note.at for note in within if note.key.startswith(prefix)]
        if not writes or not uploads:
            raise BenchError(f"{job.job_id}: no upload or no record is among its agents' {len(notes)} notes")
        return cls(
            claimed=claimed,
            recorded=writes[-1],
            first_upload=uploads[0],
            calls=Counter(note.name for note in within if note.answered and note.at <= writes[-1]),
        )

    @property
    def seconds(self) -> float:
        return self.recorded - self.claimed

    def frames_seconds(self, frames: Sequence[FrameRecord]) -> float:
        """From the first frame's beginning in Blender, as its record has it, to the last record."""
        first = min(frames, key=lambda record: record.ended_at)
        return self.recorded - (self.first_upload - first.seconds)


def _first(notes: Sequence[Note], task: tuple[str, str]) -> float:
    for note in notes:
        if task in note.tasks:
            return note.at
    raise BenchError(f"no agent noted that it took a {task[0]} of {task[1]}")
