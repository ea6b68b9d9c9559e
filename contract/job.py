"""The job record: what is known of one upload's work, and the steps its state may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from contract.table import JOB_LISTING, UNFINISHED


class JobState(StrEnum):
    QUEUED = "QUEUED"
    BAKING = "BAKING"
    RENDERING = "RENDERING"
    FINISHING = "FINISHING"
    DONE = "DONE"
    DONE_WITH_FAILURES = "DONE_WITH_FAILURES"
    """Some frames could not be rendered; they are listed in job.json."""
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    HELD = "HELD"
    """A budget stops new work."""

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset({JobState.DONE, JobState.DONE_WITH_FAILURES, JobState.FAILED, JobState.CANCELED})
TOLD = (JobState.DONE, JobState.DONE_WITH_FAILURES, JobState.FAILED, JobState.HELD)
"""States of which people are told. Who cancels a job knows it."""


class FrameState(StrEnum):
    WAITING = "WAITING"
    """Tried, not done; will be tried again."""
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One small item: lists of frames and reports live elsewhere."""

    job_id: str
    project: str
    name: str
    bucket: str
    source_key: str
    source_version: str
    source_bytes: int
    created_at: str
    state: JobState = JobState.QUEUED
    reason: str = ""
    """Why it is in this state, in words its owner understands."""
    waiting_for: str = ""
    """Why AWS gives no machine to a job that waits for one; empty when one works on it, or soon will."""
    options: Mapping[str, Any] = field(default_factory=dict)
    updated_at: str = ""
    task_sent_at: str = ""
    """When the listener had put the bake task on its queue."""
    bake_token: str = ""
    """The baker that holds the job: whoever has another token may not publish."""
    bake_message: str = ""
    bake_lease_until: int = 0
    """Epoch seconds until which another copy of the bake message keeps off."""
    bake_attempts: int = 0
    """Bakes that failed; an interruption is none."""
    bake_progress: Mapping[str, Any] = field(default_factory=dict)
    """`kind` and `object` of what is baked, `frame` of `last_frame`; empty when nothing has to be."""
    baked_folder: str = ""
    """Name of the published project, inside the job's scratch folder."""
    baked_blend: str = ""
    """The .blend to render, relative to baked_folder."""
    frames: str = ""
    frame_count: int = 0
    shards: int = 0
    frames_sent_at: str = ""
    """When every render task had been put on its queue."""
    blender_version: str = ""
    """The exact Blender that baked it and renders every frame of it, as are the next two."""
    blender_build: str = ""
    """The hash that this Blender was built from, as it says itself."""
    blender_form: str = ""
    """Executable or module (contract.runtimes.RuntimeForm)."""
    device: str = ""
    """What renders every frame of it (contract.devices.Device), fixed when it was inspected."""
    device_note: str = ""
    """How that differs from what the scene was saved with, in words its owner understands."""
    runtime_failures: int = 0
    """Times that a worker could not start the Blender which the bake needs."""
    scene: Mapping[str, Any] = field(default_factory=dict)
    """What Blender said of the scene: engine, format, size, frame rate, version."""
    interruptions: int = 0
    """Times that a bake was given back because its worker had to go: nobody's failure."""
    retries: int = 0
    """Times that a person asked for its failed and missing frames once more."""
    finish_token: str = ""
    """The worker that sums the job up, as bake_token is its baker."""
    finish_message: str = ""
    finish_lease_until: int = 0
    """Epoch seconds until which another copy of the finish message keeps off."""
    sweep: Mapping[str, Any] = field(default_factory=dict)
    """What the sweep of waiting jobs saw last, and how often it sent tasks again."""
    dead_letters: tuple[str, ...] = ()
    """Names those of its bake and finish tasks that came among the dead letters: each counts once."""
    frames_done: int = 0
    frames_failed: int = 0
    """Both written when the job ends; until then the shards' counters say it."""
    made: tuple[str, ...] = ()
    """What was made of the frames as it ended, relative to its output: preview.mp4, contact_sheet.jpg."""
    preview_note: str = ""
    """Why one of these is missing, or how it differs from the frames."""
    worker_seconds: int = 0
    """That machines were at work on it, failed and interrupted tries included; told once a minute or so."""
    spot_seconds: int = 0
    """Of these, on Spot machines."""
    microdollars: int = 0
    """What these seconds cost, as far as the farm knows the prices."""

    @property
    def dollars(self) -> float:
        return self.microdollars / 1_000_000

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Job:
        """Read a table item (numbers may be Decimal); attributes of newer versions are left out."""
        known = _types_of_fields()
        values: dict[str, Any] = {
            name: int(v) if known[name] == "int" else v for name, v in item.items() if name in known
        }
        for name in ("dead_letters", "made"):
            values[name] = tuple(values.get(name, ()))
        return cls(**{**values, "state": JobState(item["state"])})

    def to_item(self) -> dict[str, Any]:
        """Attributes of the table item, without its key."""
        return {
            **asdict(self),
            **({} if self.state.ended else {UNFINISHED: JOB_LISTING}),
            "state": str(self.state),
            "options": dict(self.options),
            "bake_progress": dict(self.bake_progress),
            "scene": dict(self.scene),
            "sweep": dict(self.sweep),
            "dead_letters": list(self.dead_letters),
            "made": list(self.made),
        }


@cache
def _types_of_fields() -> Mapping[str, str]:
    """Of a job, by name: lists of a thousand are read at once."""
    return {f.name: str(f.type) for f in fields(Job)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The sum of a job's counters."""

    total: int = 0
    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    """What the frames that are done took together."""
    last_frame: int | None = field(default=None, compare=False)
    """The frame that was done last: no part of how far it is."""
    last_frame_at: str = field(default="", compare=False)

    @property
    def complete(self) -> bool:
        return self.total > 0 and self.done + self.failed >= self.total

    def __add__(self, other: Progress) -> Progress:
        last = max(self, other, key=lambda progress: progress.last_frame_at)
        return Progress(
            total=self.total + other.total,
            done=self.done + other.done,
            failed=self.failed + other.failed,
            seconds=self.seconds + other.seconds,
            last_frame=last.last_frame,
            last_frame_at=last.last_frame_at,
        )

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Progress:
        return cls(
            total=int(item.get("total", 0)),
            done=int(item.get("done", 0)),
            failed=int(item.get("failed", 0)),
            seconds=float(item.get("seconds", 0)),
            last_frame=int(item["last_frame"]) if "last_frame" in item else None,
            last_frame_at=str(item.get("last_frame_at", "")),
        )


def timestamp(now: datetime) -> str:
    """UTC, ISO 8601 to the millisecond: sorts as text."""
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
