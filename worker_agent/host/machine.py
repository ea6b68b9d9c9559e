"""Whether this machine is fit for work: room on its disk, and the shared file system in its place."""

from __future__ import annotations

import errno
import math
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.archives import size_in_words
from worker_agent.blender import BlenderError, DeviceUnavailable
from worker_agent.host.gpu import has_gpu
from worker_agent.tasks.outcome import MachineTroubleError
from worker_agent.time_limit import TimeLimit

MINIMUM_FREE_BYTES: Final = 256 * 1024**2
PROBE_SECONDS: Final = 10.0
"""A file system that does not answer within this time is in trouble."""
FILLED_LIMIT: Final = 3
"""A job that fills an empty disk so many times here is to blame for it itself."""
ONE_EVENT_SECONDS: Final = 60.0
"""Several Blenders share the disk: all that fail on it within this time fail by one full disk."""
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_FAILING: Final = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EROFS,
    errno.ENOTCONN,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}


class Machine:
    """`clear` removes what this worker's own work left on the disk. Used by the threads that work."""

    def __init__(
        self,
        *,
        work: Path,
        scratch: Path,
        clear: Callable[[], None],
        minimum_free_bytes: int = MINIMUM_FREE_BYTES,
        probe_seconds: float = PROBE_SECONDS,
        has_gpu: Callable[[], bool] = has_gpu,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._scratch = scratch
        self._clear = clear
        self._minimum_bytes = minimum_free_bytes
        self._probe = TimeLimit("scratch-probe", probe_seconds)
        self._mounted: bool | None = None
        self.has_gpu = has_gpu
        """Whether it has one, in order or not."""
        self._now = now
        self._lock = threading.Lock()
        self._filled: Counter[str] = Counter()
        self._filled_at: dict[str, float] = {}
        """When each was counted last."""

    def require(self) -> None:
        """Raises MachineTroubleError when no work should be taken; clears what can be cleared first."""
        if self._disk_trouble():
            self._clear()
        if trouble := self._disk_trouble() or self._scratch_trouble():
            raise MachineTroubleError(trouble)

    def has_room(self) -> bool:
        """Whether the disk is in order, as it is."""
        return not self._disk_trouble()

    def require_scratch(self) -> None:
        """Raises MachineTroubleError when the shared file system is gone, or does not answer in time."""
        if trouble := self._scratch_trouble():
            raise MachineTroubleError(trouble)

    def blame(self, error: Exception, job_id: str) -> None:
        """Raises MachineTroubleError when this machine is to blame for a job's error, not the job."""
        if trouble := (
            self._disk_behind(error, job_id)
            or self._scratch_trouble()
            or _failing(error)
            or self._gpu_trouble(error)
        ):
            raise MachineTroubleError(trouble) from error

    def _disk_behind(self, error: Exception, job_id: str) -> str:
        if not self._disk_trouble() and not _is_full(error):
            return ""
        self._clear()
        if trouble := self._disk_trouble():
            return trouble
        if isinstance(error, BlenderError) and self._fills_it_again(job_id):
            return ""  # or its frames would be tried for ever
        return f"a disk of a worker was full: {error}"

    def _fills_it_again(self, job_id: str) -> bool:
        """Whether this job has filled the disk too often. One full disk counts once, whatever fails by it."""
        with self._lock:
            now = self._now()
            if now - self._filled_at.get(job_id, -math.inf) < ONE_EVENT_SECONDS:
                return False
            self._filled_at[job_id] = now
            self._filled[job_id] += 1
            return self._filled[job_id] > FILLED_LIMIT

    def _gpu_trouble(self, error: Exception) -> str:
        """Where there is no GPU, none is broken: such a worker is fit for other jobs."""
        if isinstance(error, DeviceUnavailable) and self.has_gpu():
            return f"the GPU of a worker cannot be used: {error.reason}"
        return ""

    def _disk_trouble(self) -> str:
        try:
            free_bytes = shutil.disk_usage(nearest_existing(self._work)).free
        except OSError as error:
            return f"the work folder {self._work} of a worker cannot be read: {error.strerror}"
        if free_bytes >= self._minimum_bytes:
            return ""
        return (
            f"the disk of a worker is full: {self._work} has less than "
            f"{size_in_words(self._minimum_bytes)} free, and what it had left there itself is gone"
        )

    def _scratch_trouble(self) -> str:
        """An empty text when the shared file system is there. Its server is asked, not the system's cache."""
        return self._probe.call(
            self._look_at_scratch,
            late=f"the shared file system at {self._scratch} does not answer",
        )

    def _look_at_scratch(self) -> str:
        try:
            os.statvfs(self._scratch)
        except OSError as error:
            return f"the shared file system at {self._scratch} is gone: {error.strerror}"
        mounted = os.path.ismount(self._scratch)
        if self._mounted and not mounted:
            return f"the shared file system is not mounted at {self._scratch} any more"
        self._mounted = mounted  # a plain folder may serve as one: what it was at first it has to stay
        return ""


def _is_full(error: BaseException) -> bool:
    if isinstance(error, BlenderError):
        return "No space left" in error.reason or (
            error.code in ("cannot_write", "no_output") and "No space left" in error.log
        )
    return isinstance(error, OSError) and error.errno in _FULL


def _failing(error: Exception) -> str:
    for cause in (error, error.__cause__):  # what of a .blend cannot be read is rejected, from an OSError
        if isinstance(cause, OSError) and cause.errno in _FAILING:
            return f"a file system of a worker fails: {cause}"
    return ""


def nearest_existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there: it is made when it is needed."""
    return next(path for path in (folder, *folder.parents) if path.exists())
