"""Feeds an encoder with the small pictures of a job's frames, and puts what it made into the bucket."""

from __future__ import annotations

import base64
import logging
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job
from contract.keys import contact_sheet_key, output_prefix, preview_key
from worker_agent.picture_process import PictureProcess
from worker_agent.services.patience import hurried
from worker_agent.stores.bucket import Bucket, StoredProxy
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError

log = logging.getLogger(__name__)

ENCODER: Final = (sys.executable, "-B", "-m", "worker_agent.preview.encoder")
_READERS: Final = 4
_AHEAD: Final = 12
"""Pictures that are fetched before they are wanted: some megabytes."""
_FRAME_SECONDS: Final = 60.0
_FINISH_SECONDS: Final = 600.0
_USUAL_RATE: Final = Fraction(24)
_FASTEST_RATE: Final = 240
_SINGLE_PRECISION: Final = 1e-4
"""Blender keeps the 1.001 with 7 digits."""
_MOST_NOTES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    files: tuple[str, ...] = ()
    """In the bucket, relative to the job's output."""
    notes: tuple[str, ...] = ()
    """For the job's owner: what is missing, and what is not as in the frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unfetched:
    frame: int
    reason: str


_Fetched = StoredProxy | _Unfetched | None


class PreviewMaker:
    """`folder` gives an empty one on this machine's disk; `leaving` says that this worker has to go."""

    def __init__(
        self,
        bucket: Bucket,
        *,
        folder: Callable[[], Path],
        leaving: Callable[[], bool] = lambda: False,
        command: Sequence[str] = ENCODER,
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._leaving = leaving
        self._command = command

    def make(self, job: Job, frames: Sequence[FrameRecord], lease: Lease) -> Made:
        """Make the preview of frames that have all ended, in the order in which they are given.

        Raises InterruptedTaskError when the lease is lost or this worker has to go (another then makes it
        from the start), and nothing else: a job can do without.
        """
        try:
            folder = self._folder()
            try:
                return self._make(job, frames, folder, lease)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        except InterruptedTaskError:
            raise
        except Exception as error:
            log.warning("there is no preview of %s", job.job_id, exc_info=True)
            return Made(notes=(f"The preview could not be made: {error}",))

    def _make(self, job: Job, frames: Sequence[FrameRecord], folder: Path, lease: Lease) -> Made:
        encoder = PictureProcess(self._command, name="encoder")
        notes: dict[str, int] = {}
        """How many pictures have each."""
        unfetched: list[_Unfetched] = []
        try:
            rate = frame_rate(job)
            begin = {"do": "begin", "frames": len(frames), "rate": [rate.numerator, rate.denominator]}
            paths = {"video": str(folder / "preview.mp4"), "sheet": str(folder / "contact_sheet.jpg")}
            encoder.ask({**begin, **paths}, _FRAME_SECONDS)
            for record, proxy in self._proxies(job, frames):
                self._require_time(lease)
                if isinstance(proxy, _Unfetched):
                    unfetched.append(proxy)
                elif proxy and proxy.note:
                    notes[proxy.note] = notes.get(proxy.note, 0) + 1
                encoder.ask(_request(record, proxy), _FRAME_SECONDS)
            self._require_time(lease)
            answer = encoder.ask({"do": "finish"}, _FINISH_SECONDS)
        finally:
            encoder.close()
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the preview was made")
        return self._upload(job, paths, answer, [*_told(unfetched), *notes][:_MOST_NOTES])

    def _require_time(self, lease: Lease) -> None:
        if lease.lost:
            raise InterruptedTaskError("the lease was lost while the preview was made")
        if self._leaving():
            raise InterruptedTaskError("the worker has to go while the preview is made")

    def _upload(self, job: Job, paths: dict[str, str], answer: dict[str, Any], notes: list[str]) -> Made:
        kinds = {
            "video": (preview_key(job.project, job.job_id), "video/mp4"),
            "sheet": (contact_sheet_key(job.project, job.job_id), "image/jpeg"),
        }
        files = []
        for name, (key, content_type) in kinds.items():
            if name in answer["made"]:
                self._bucket.upload_file(key, Path(paths[name]), content_type=content_type)
                files.append(key.removeprefix(output_prefix(job.project, job.job_id)))
        if answer["video_problem"]:
            notes.append(f"There is no preview.mp4: {answer['video_problem']}")
        if not answer["pictures"]:
            notes.append("There is no preview: not one frame has a picture.")
        return Made(files=tuple(files), notes=tuple(notes))

    def _proxies(self, job: Job, frames: Sequence[FrameRecord]) -> Iterator[tuple[FrameRecord, _Fetched]]:
        """Each frame with its picture, a few of them fetched ahead."""
        waiting: deque[tuple[FrameRecord, Future[_Fetched] | None]] = deque()
        pool = ThreadPoolExecutor(_READERS, thread_name_prefix="proxies")
        try:
            for record in frames:
                future = None
                if record.state is FrameState.DONE:
                    # in this thread's context: its patience is the task's
                    future = pool.submit(copy_context().run, self._fetch, job, record)
                waiting.append((record, future))
                if len(waiting) > _AHEAD:
                    yield _arrived(waiting.popleft())
            while waiting:
                yield _arrived(waiting.popleft())
        finally:
            pool.shutdown(cancel_futures=True)

    def _fetch(self, job: Job, record: FrameRecord) -> _Fetched:
        """One picture that cannot be had is a gap, and no reason to be without the others."""
        try:
            with hurried(self._leaving):
                return self._bucket.proxy(job, record)
        except InterruptedTaskError:
            raise
        except Exception as error:
            log.warning(
                "the picture of frame %d of %s is not to be had", record.frame, job.job_id, exc_info=True
            )
            return _Unfetched(frame=record.frame, reason=str(error))


def frame_rate(job: Job) -> Fraction:
    """The scene's, as it was meant: 24000/1001 for 23.976."""
    try:
        told = float(job.scene.get("fps", 0))
        of_television = round(told * 1.001)
        if told != of_television and abs(told * 1.001 - of_television) < _SINGLE_PRECISION:
            rate = Fraction(of_television * 1000, 1001)
        else:
            rate = Fraction(told).limit_denominator(1000)
    except (TypeError, ValueError, OverflowError):
        return _USUAL_RATE
    return rate if 0 < rate <= _FASTEST_RATE else _USUAL_RATE


def _told(unfetched: Sequence[_Unfetched]) -> list[str]:
    """In words for the job's owner, whatever their number in one note."""
    if not unfetched:
        return []
    first, reason = unfetched[0].frame, unfetched[0].reason.rstrip(".")
    if len(unfetched) == 1:
        return [f"The picture of frame {first} could not be fetched: {reason}."]
    return [f"The pictures of {len(unfetched)} frames could not be fetched, of {first} first: {reason}."]


def _arrived(
    item: tuple[FrameRecord, Future[_Fetched] | None],
) -> tuple[FrameRecord, _Fetched]:
    record, future = item
    return record, future.result() if future else None


def _request(record: FrameRecord, proxy: _Fetched) -> dict[str, Any]:
    request = {"do": "add", "frame": record.frame}
    if isinstance(proxy, _Unfetched):
        return {**request, "gap": f"frame {record.frame} is done, but its picture could not be fetched"}
    if proxy:
        return {**request, "picture": base64.b64encode(proxy.data).decode()}
    if record.state is FrameState.FAILED:
        return {**request, "gap": f"frame {record.frame} failed: {record.reason}"}
    return {**request, "gap": f"frame {record.frame} is done, but there is no picture of it"}
