"""The picture of a job's last frame, now and then, for a terminal that can show it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import ControlType, Segment

from contract.job import Job
from contract.keys import output_prefix, thumbnail_key
from contract.stored_part import where
from farm.follow import Snapshot
from farm.jobs import Farm
from farm.terminal_picture import PictureError, PictureProtocol, drawn, protocol_of

BETWEEN_SECONDS: Final = 15.0
"""Pictures stay on the page above: so seldom that they do not fill it."""
MAX_THUMBNAIL_BYTES: Final = 512 * 1024
_NO_TEXT: Any = [(ControlType.CURSOR_FORWARD, 0)]
"""Marks a segment as a command to the terminal: rich neither measures nor folds it."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture as rich prints it."""

    sequence: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.sequence, control=_NO_TEXT)


@dataclass(slots=True)
class LastFrame:
    """Says when there is a new picture to show."""

    fetch: Callable[[Job, int], bytes | None]
    """The thumbnail of a frame; None while there is none."""
    protocol: PictureProtocol
    _shown: int | None = None
    _shown_at: float | None = None

    def newer(self, snapshot: Snapshot, now: float) -> Drawing | None:
        """The last frame's picture, if it is another than the one before and that was a while ago."""
        job, frame = snapshot.job, snapshot.progress.last_frame
        if job is None or frame is None or frame == self._shown:
            return None
        if self._shown_at is not None and now - self._shown_at < BETWEEN_SECONDS and not job.state.ended:
            return None
        data = self.fetch(job, frame)
        if data is None:
            return None
        self._shown, self._shown_at = frame, now
        try:
            return Drawing(drawn(data, self.protocol))
        except PictureError:
            return None


def last_frame(farm: Callable[[], Farm], env: Mapping[str, str] = os.environ) -> LastFrame | None:
    """For this terminal; None where it shows no pictures."""
    protocol = protocol_of(env)
    return LastFrame(lambda job, frame: _thumbnail(farm(), job, frame), protocol) if protocol else None


def _thumbnail(farm: Farm, job: Job, frame: int) -> bytes | None:
    own = thumbnail_key(job.project, job.job_id, frame)
    try:
        record = farm.records.frame(job, frame)
        part = record.thumbnail if record else None
        place: Any = where(part, output=output_prefix(job.project, job.job_id), otherwise=own)
        body = farm.s3.get_object(Bucket=farm.bucket, **place)["Body"]
        return body.read(MAX_THUMBNAIL_BYTES)
    except (ClientError, BotoCoreError):
        return None
