"""Keeps rendered frames: their files are checked, put into the bucket, and recorded."""

from __future__ import annotations

import logging
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
from worker_agent.lease import Lease
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import InterruptedTaskError
from worker_agent.output_check import OutputChecker, Pictures
from worker_agent.patience import impatient
from worker_agent.stores import Stores

log = logging.getLogger(__name__)

MOST_TOGETHER: Final = 10
"""Frames that are recorded together at most: as many as are claimed together (worker_agent.claim)."""
SECONDS_TOGETHER: Final = 10.0
"""Of rendering that waits for its records at most: what is not recorded is rendered again when this worker
dies. A slower frame is recorded on its own."""
BYTES_TOGETHER: Final = 8 << 20
"""Of small pictures and logs that are held in memory at most, and one frame's more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSource:
    """The Blender that rendered frames, and the scene that is open in it."""

    outputs: FrameOutputs
    shown: Mapping[str, Any]
    """How the scene's pictures are to be shown, as the checker takes it."""
    blender_version: str
    device: str

    @classmethod
    def of(cls, session: BlenderSession) -> Self:
        return cls(
            outputs=session.frame_outputs,
            shown={"config": session.color_config, **asdict(session.color_view)},
            blender_version=session.runtime_version,
            device=session.device.words,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFrame:
    """A frame whose own files are in the bucket, and what is left to be put there before its record."""

    rendered: RenderedFrame
    source: FrameSource
    pictures: Pictures | None

    @property
    def shared_bytes(self) -> int:
        """Of what may share objects with other frames."""
        pictures = len(self.pictures.proxy) + len(self.pictures.thumbnail) if self.pictures else 0
        return len(self.rendered.log) + pictures


class FrameKeeper:
    """Needs no Blender: it may be at the next frame meanwhile."""

    def __init__(self, *, stores: Stores, checker: OutputChecker, metrics: FrameMetrics) -> None:
        self._stores = stores
        self._checker = checker
        self._metrics = metrics

    def store(self, job: Job, rendered: RenderedFrame, folder: Path, source: FrameSource) -> StoredFrame:
        """Check a frame's own files, which lie in `folder`, and put them into the bucket. They are gone then.

        Raises InvalidOutput and CheckerUnavailableError.
        """
        pictures = self._checker.check(rendered, folder, source.outputs, source.shown)
        for name in rendered.files:
            self._stores.bucket.upload_frame_file(
                job, name, folder / name, blender_version=source.blender_version
            )
            (folder / name).unlink(missing_ok=True)
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
        for stored in frames:
            frame, of_frame = stored.rendered, parts.get(stored.rendered.frame, FrameParts())
            if self._stores.frames.record_done(
                job,
                frame.frame,
                files=frame.files,
                seconds=frame.seconds,
                blender_version=stored.source.blender_version,
                device=stored.source.device,
                parts=replace(of_frame, log=logs.get(frame.frame)),
            ):
                self._metrics.frame_done(frame.seconds)

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
        """Not recorded yet. The thread's own."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, rendered: RenderedFrame, source: FrameSource) -> None:
        """Have a frame kept, after those that were added before."""
        self._frames.append((rendered, self._pool.submit(self._context.run, self._store, rendered, source)))

    def finish(self) -> tuple[list[RenderedFrame], list[BlenderError]]:
        """Wait until all that were added are recorded: these, and what was wrong with others.

        Raises the first error that is no frame's fault.
        """
        kept: list[RenderedFrame] = []
        spoiled: list[BlenderError] = []
        for rendered, future in self._frames:
            try:
                future.result()
                kept.append(rendered)
            except BlenderError as error:
                spoiled.append(error)
        self._pool.submit(self._context.run, self._record).result()
        return kept, spoiled

    def _store(self, rendered: RenderedFrame, source: FrameSource) -> None:
        self._stored.append(self._keeper.store(self._job, rendered, self._folder, source))
        if _enough(self._stored):
            self._record()

    def _record(self) -> None:
        stored, self._stored = self._stored, []
        if stored:
            self._keeper.record(self._job, stored, self._lease)


def _enough(stored: Sequence[StoredFrame]) -> bool:
    return (
        len(stored) >= MOST_TOGETHER
        or sum(frame.rendered.seconds for frame in stored) >= SECONDS_TOGETHER
        or sum(frame.shared_bytes for frame in stored) >= BYTES_TOGETHER
    )
