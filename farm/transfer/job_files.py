"""Take a job's files home: its frames as they end, then the preview and what else was made of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState
from contract.keys import (
    bake_log_key,
    contact_sheet_key,
    frames_prefix,
    output_prefix,
    preview_key,
    summary_key,
)
from farm.jobs import Farm
from farm.screen import Screen
from farm.transfer.daemon_pool import DaemonPool
from farm.transfer.download import Downloader, Fetched
from farm.transfer.patience import Patience, status_of
from farm.transfer.safe_names import UnsafeNameError, local_path

_THREADS: Final = 8
MAX_LOGS: Final = 20


class _Stopped(Exception):
    """Nobody waits for the file any more."""


@dataclass(slots=True, kw_only=True)
class JobFiles:
    """The files of one job in a folder of this computer. To be closed in the end: use it with `with`."""

    farm: Farm
    folder: Path
    screen: Screen
    fetched: list[Fetched] = field(default_factory=list)
    """What is here and was verified."""
    refused: list[str] = field(default_factory=list)
    """What did not come home, and why."""
    _names: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _waiting: list[Future[None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: DaemonPool = field(default_factory=lambda: DaemonPool(_THREADS, "download"))

    def __enter__(self) -> JobFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.close()

    def to_map(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "folder": str(self.folder),
            "files": [
                {
                    "path": str(file.path),
                    "bytes": file.size_bytes,
                    "fetched_bytes": file.fetched_bytes,
                    "checksum": file.checksum,
                }
                for file in sorted(self.fetched, key=lambda file: file.path)
            ],
            "refused": self.refused,
        }

    def take(self, job: Job, record: FrameRecord) -> None:
        """Begin to fetch what a frame that is done is made of."""
        if record.state is not FrameState.DONE:
            return
        said = f"frame {record.frame} in {record.seconds:.1f} s"
        for name in record.files:
            self._begin(frames_prefix(job.project, job.job_id) + name, name, said=said, known=True)

    def finish(self, job: Job, failed: Sequence[FrameRecord]) -> bool:
        """Fetch what was made at the end, and of a job that went wrong the logs. Whether all came home."""
        for key in (
            preview_key(job.project, job.job_id),
            contact_sheet_key(job.project, job.job_id),
            summary_key(job.project, job.job_id),
        ):
            name = key.rpartition("/")[2]
            if name not in self._names:  # a scene may call its frames so
                self._begin(key, name, said="", known=False)
        for key in _logs(job, failed):
            self._begin(key, f"logs/{key.rpartition('/')[2]}", said="Blender's log", known=False)
        self.wait()
        for reason in self.refused:
            self.screen.note(reason, "red")
        return not self.refused

    def wait(self) -> None:
        """Until everything that was begun is here or was refused."""
        left = sum(not future.done() for future in self._waiting)
        if left:
            self.screen.step(f"downloading {left} files that are still to come")
        for future in self._waiting:
            future.result()
        self._waiting.clear()

    def _begin(self, key: str, name: str, *, said: str, known: bool) -> None:
        self._names.add(name)
        self._waiting.append(self._pool.submit(lambda: self._fetch(key, name, said, known)))

    def _fetch(self, key: str, name: str, said: str, known: bool) -> None:
        """`known`: the records have it, so that it must be there."""
        downloader = Downloader(
            s3=self.farm.s3, bucket=self.farm.bucket, patience=Patience(pause=self._pause)
        )
        try:
            file = downloader.fetch(key, local_path(self.folder, name), self._tell)
        except _Stopped:
            return
        except (UnsafeNameError, OSError, ClientError, BotoCoreError) as error:
            gone = isinstance(error, ClientError) and status_of(error) == HTTPStatus.NOT_FOUND
            if known or not gone:
                with self._lock:
                    self.refused.append(f"{name[:200]} was not downloaded: {error}")
            return
        with self._lock:
            self.fetched.append(file)
        if said:
            self.screen.note(f"{said}: {file.path}", "dim")

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise _Stopped

    def _tell(self, _: int) -> None:
        if self._stop.is_set():
            raise _Stopped


def _logs(job: Job, failed: Sequence[FrameRecord]) -> list[str]:
    """Keys of what Blender said of what went wrong."""
    prefix = output_prefix(job.project, job.job_id)
    tried = [record.failures[-1].log for record in failed[:MAX_LOGS] if record.failures]
    frames = [prefix + log for log in tried if log]
    if not frames and job.state is JobState.FAILED:
        return [bake_log_key(job.project, job.job_id)]
    return frames
