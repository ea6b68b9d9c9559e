"""Keeps a rendered frame: its files are checked, put into the bucket, and recorded."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from contract.job import Job
from contract.keys import frame_log_key
from worker_agent.blender import BlenderSession, FrameOutputs, RenderedFrame
from worker_agent.lease import Lease
from worker_agent.metrics import FrameMetrics
from worker_agent.outcome import InterruptedTaskError
from worker_agent.output_check import OutputChecker, Pictures
from worker_agent.patience import impatient
from worker_agent.stores import Stores

log = logging.getLogger(__name__)


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


class FrameKeeper:
    """Needs no Blender: it may be at the next frame meanwhile."""

    def __init__(self, *, stores: Stores, checker: OutputChecker, metrics: FrameMetrics) -> None:
        self._stores = stores
        self._checker = checker
        self._metrics = metrics

    def keep(
        self, job: Job, rendered: RenderedFrame, folder: Path, source: FrameSource, lease: Lease
    ) -> None:
        """Law 1: the files, then the record. The frame's files lie in `folder`, and are gone afterwards.

        Raises InvalidOutput, CheckerUnavailableError, and InterruptedTaskError when the lease is lost.
        """
        pictures = self._checker.check(rendered, folder, source.outputs, source.shown)
        bucket = self._stores.bucket
        for name in rendered.files:
            bucket.upload_frame_file(job, name, folder / name, blender_version=source.blender_version)
        bucket.put_text(frame_log_key(job.project, job.job_id, rendered.frame), rendered.log)
        if pictures and not lease.lost:
            self._keep_pictures(job, rendered.frame, pictures, lease)
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the frame was uploaded")
        if self._stores.frames.record_done(
            job,
            rendered.frame,
            files=rendered.files,
            seconds=rendered.seconds,
            blender_version=source.blender_version,
            device=source.device,
        ):
            self._metrics.frame_done(rendered.seconds)
        for name in rendered.files:
            (folder / name).unlink(missing_ok=True)

    def _keep_pictures(self, job: Job, frame: int, pictures: Pictures, lease: Lease) -> None:
        """Before the record, or the last frame's would come after the preview. A frame can do without."""
        try:
            with impatient():
                self._stores.bucket.put_pictures(job, frame, pictures, lambda: not lease.lost)
        except Exception as error:
            log.warning("the small pictures of frame %d of %s are missing: %s", frame, job.job_id, error)
