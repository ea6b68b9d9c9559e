"""The messages on the queues: versioned JSON, one codec, one error."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from contract.frames import FrameRangeError, parse_frames
from contract.keys import JOB_ID

VERSION = 1


class TaskError(ValueError):
    """A message that is no task of this farm; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class BakeTask:
    """Inspect a job's file, bake its physics, send its frames out."""

    job_id: str
    kind: ClassVar[str] = "bake"


@dataclass(frozen=True, slots=True)
class RenderTask:
    """Render these frames of a baked job; usually one frame."""

    job_id: str
    frames: str
    kind: ClassVar[str] = "render"


@dataclass(frozen=True, slots=True)
class FinishTask:
    """Every frame of the job has ended: sum it up and clear its scratch folder."""

    job_id: str
    kind: ClassVar[str] = "finish"


Task = BakeTask | RenderTask | FinishTask
_KINDS: dict[str, type[Task]] = {task.kind: task for task in (BakeTask, RenderTask, FinishTask)}


def encode(task: Task) -> str:
    """The message body of a task."""
    return json.dumps({"version": VERSION, "kind": task.kind, **asdict(task)}, separators=(",", ":"))


def decode(body: str) -> Task:
    """The task in a message body. Raises TaskError for anything else, whatever it holds."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise TaskError(f"message is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise TaskError(f"message is a JSON {type(message).__name__}: expected an object")
    if message.get("version") != VERSION:
        raise TaskError(f"message has version {_show(message.get('version'))}: expected {VERSION}")
    kind = message.get("kind")
    task_type = _KINDS.get(kind) if isinstance(kind, str) else None
    if task_type is None:
        raise TaskError(f"message has kind {_show(kind)}: expected one of {', '.join(_KINDS)}")
    job_id = message.get("job_id")
    if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
        raise TaskError(f"message has job_id {_show(job_id)}: expected lower-case letters, digits and dashes")
    if not issubclass(task_type, RenderTask):
        return task_type(job_id)
    frames = message.get("frames")
    try:
        parse_frames(frames if isinstance(frames, str) else "")
    except FrameRangeError as error:
        raise TaskError(f"message has frames {_show(frames)}: {error}") from error
    return RenderTask(job_id, str(frames))


def _show(value: Any) -> str:
    return repr(value)[:80]
