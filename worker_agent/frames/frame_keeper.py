"""Keeps rendered frames: their files are checked, put into the bucket, and recorded."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from contract.frames import format_frames
from contract.job import Job
from contract.stored_part import FrameParts
from worker_agent.blender import BlenderError, BlenderSession, FrameOutputs, RenderedFrame
from worker_agent.output_check import OutputChecker, Pictures
from worker_agent.services.patience import impatient
from worker_agent.stores import Stores
from worker_agent.stores.frame_store import DoneFrame
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.telemetry.metrics import FrameMetrics

log = logging.getLogger(__name__)

QUICK_SECONDS: Final = 1.0
"""Frames that take less are recorded together: their requests would cost more than they do."""
TOGETHER_SECONDS: Final = 2.0
"""So long, at most, does one that is stored wait for its record: people watch it come."""
TOGETHER_BYTES: Final = 8 << 20
"""Of small pictures that wait in memory, and one frame's more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSource:
    """The Blender that rendered frames, and the scene that is open in it."""

    outputs: FrameOutputs
    shown: Mapping[str, Any]
    """How the scene's pictures are to be shown, as the checker takes it."""
    blender_version: str
    device: str
    sessions: int = 1
    """That rendered on this worker at once, this one among them."""

    @classmethod
    def of(cls, session: BlenderSession, *, sessions: int) -> Self:
        return cls(
            outputs=session.frame_outputs,
            shown={"config": session.color_config, **asdict(session.color_view)},
            blender_version=session.runtime_version,
            device=session.device.words,
            sessions=sessions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """A frame whose own files are in the bucket, and what is left to be put there before its record."""

    rendered: RenderedFrame
    source: FrameSource
    pictures: Pictures | None

    @property
    def pictures_bytes(self) -> int:
        return len(self.pictures.proxy) + len(self.pictures.thumbnail) if self.pictures else 0


def folder_of(taken: Path, rendered: RenderedFrame) -> Path:
    """Where a frame's files lie: two frames may each have written one of the same name."""
    return taken / str(rendered.frame)


class FrameKeeper:
    """Needs no Blender: it may be at the next frame meanwhile."""

    def __init__(self, *, stores: Stores, checker: OutputChecker, metrics: FrameMetrics) -> None:
        self._stores = stores
        self._checker = checker
        self._metrics = metrics

    def store(self, job: Job, rendered: RenderedFrame, folder: Path, source: FrameSource) -> StoredFrame:
        """Check a frame's own files, which lie in `folder`, and put them into the bucket. It is gone then.

        Raises InvalidOutput and CheckerUnavailableError.
        """
        pictures = self._checker.check(rendered, folder, source.outputs, source.shown)
        for name in rendered.files:
            self._stores.bucket.upload_frame_file(
                job, name, folder / name, blender_version=source.blender_version
            )
        shutil.rmtree(folder, ignore_errors=True)
        return StoredFrame(rendered=rendered, source=source, pictures=pictures)

    def record(self, job: Job, frames: Sequence[StoredFrame], lease: Lease) -> None:
        """Law 1: what Blender said and the small pictures, then the records. One request each for all that
        Blender said and for all pictures.

        Raises InterruptedTaskError when the lease is lost.
        """
        logs = self._stores.bucket.put_logs(job, {f.rendered.frame: f.rendered.log for f in frames})
        pictures = {f.rendered.frame: f.pictures for f in frames if f.pictures}
        parts = self._put_pictures(job, pictures) if pictures and not lease.lost else {}
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the frame was uploaded")
        done = [
            DoneFrame(
                frame=stored.rendered.frame,
                files=stored.rendered.files,
                seconds=stored.rendered.seconds,
                blender_version=stored.source.blender_version,
                device=stored.source.device,
                parts=replace(
                    parts.get(stored.rendered.frame, FrameParts()), log=logs.get(stored.rendered.frame)
                ),
            )
            for stored in frames
        ]
        recorded = self._stores.frames.record_done(job, done, sessions=frames[0].source.sessions)
        for stored in frames:
            if stored.rendered.frame in recorded:
                self._metrics.frame_done(stored.rendered.seconds)

    def _put_pictures(self, job: Job, pictures: Mapping[int, Pictures]) -> dict[int, FrameParts]:
        """Before the record, or the last frame's would come after the preview. Frames can do without."""
        try:
            with impatient():
                return self._stores.bucket.put_pictures(job, pictures)
        except Exception as error:
            frames = format_frames(sorted(pictures))
            log.warning("the small pictures of %s of %s are missing: %s", frames, job.job_id, error)
            return {}


class Keeping:
    """The frames of one task on their way from Blender to their records, one after the other, in a thread.

    Each is put into the bucket as it comes, and quick ones are recorded together: an object for all that
    Blender said and one for all small pictures, in place of two for each.
    """

    def __init__(self, keeper: FrameKeeper, *, job: Job, folder: Path, lease: Lease) -> None:
        self._keeper = keeper
        self._job = job
        self._folder = folder
        self._lease = lease
        self._context = copy_context()  # whose task it is, and who hears that it goes on
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="frame-keeper")
        self._frames: list[tuple[RenderedFrame, Future[None]]] = []
        self._stored: list[StoredFrame] = []
        self._since = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, rendered: RenderedFrame, source: FrameSource) -> None:
        """Have a frame kept, after those that were added before."""
        self._frames.append((rendered, self._pool.submit(self._context.run, self._keep, rendered, source)))

    def finish(self) -> tuple[list[RenderedFrame], list[BlenderError]]:
        """Wait for all that were added: the frames that are kept, and what was wrong with others.

        Raises the first error that is no frame's fault.
        """
        kept: list[RenderedFrame] = []
        spoiled: list[BlenderError] = []
        last = self._pool.submit(self._context.run, self._record)
        for rendered, future in self._frames:
            try:
                future.result()
                kept.append(rendered)
            except BlenderError as error:
                spoiled.append(error)
        last.result()
        return kept, spoiled

    def _keep(self, rendered: RenderedFrame, source: FrameSource) -> None:
        folder = folder_of(self._folder, rendered)
        stored = self._keeper.store(self._job, rendered, folder, source)
        if not self._stored:
            self._since = time.monotonic()
        self._stored.append(stored)
        if (
            rendered.seconds >= QUICK_SECONDS
            or time.monotonic() - self._since >= TOGETHER_SECONDS
            or sum(frame.pictures_bytes for frame in self._stored) >= TOGETHER_BYTES
        ):
            self._record()

    def _record(self) -> None:
        frames, self._stored = self._stored, []
        if frames:
            self._keeper.record(self._job, frames, self._lease)
