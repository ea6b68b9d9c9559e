"""Watch a job to its end: what is new is shown, and each frame that ended is handed on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState
from contract.record_reader import RecordReader
from farm.follow import Snapshot, follow
from farm.screen import Screen
from farm.transfer.patience import GaveUpError, Patience
from farm.wording import duration

QUIET_SECONDS: Final = 30
"""How long nothing may change before the person is told what the farm is doing."""
GOES_ON: Final = "it goes on: `farm watch {job}` shows it again, `farm cancel {job}` ends it"


def _nothing(job: Job, frame: FrameRecord) -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Watch:
    """One job on its way. Ctrl-C ends the watching and leaves the job alone."""

    records: RecordReader
    job_id: str
    screen: Screen
    explain: Callable[[], str]
    """What the farm is doing, when nothing has changed for long."""
    take: Callable[[Job, FrameRecord], object] = _nothing
    """Told of each frame as it ends, done or failed, once."""
    afterwards: str = GOES_ON
    """What becomes of a job that nobody watches any more; {job} is its id."""
    failed: list[FrameRecord] = field(default_factory=list)
    """The frames that failed so far."""
    _told_at: float = 0.0
    _unanswered: bool = False

    def run(self) -> Job:
        """Follow the job to its end; its record as it is then.

        A farm that does not answer is asked again for some minutes. Raises NoJobError, GaveUpError,
        ClientError, BotoCoreError.
        """
        job: Job | None = None
        patience = Patience(pause=self._wait_for_an_answer)
        try:
            for snapshot in follow(
                self.records, self.job_id, clock=time.time, pause=time.sleep, patience=patience
            ):
                job, self._unanswered = snapshot.job, False
                self.screen.show(snapshot)
                for record in snapshot.ended_frames:
                    self._frame(job, record)
                self._tell_when_quiet(snapshot)
        except (KeyboardInterrupt, GaveUpError, ClientError, BotoCoreError):
            self.screen.note(f"stopped watching {self.job_id}: {self.afterwards.format(job=self.job_id)}")
            raise
        assert job
        return job

    def _wait_for_an_answer(self, seconds: float) -> None:
        """Said once for each time that the way to the farm breaks."""
        if not self._unanswered:
            self._unanswered = True
            self.screen.note("the farm does not answer, trying again", "yellow")
        time.sleep(seconds)

    def _frame(self, job: Job | None, record: FrameRecord) -> None:
        assert job
        if record.state is FrameState.FAILED:
            self.failed.append(record)
            self.screen.note(f"frame {record.frame} failed: {record.reason}", "red")
        self.take(job, record)

    def _tell_when_quiet(self, snapshot: Snapshot) -> None:
        """Nothing of a held job: it waits for no machine, and its state says what it waits for."""
        quiet_seconds = snapshot.quiet_seconds
        held = snapshot.job is not None and snapshot.job.state is JobState.HELD
        if held or quiet_seconds < QUIET_SECONDS:
            self._told_at = 0.0
        elif quiet_seconds - self._told_at >= QUIET_SECONDS:
            self._told_at = quiet_seconds
            self.screen.note(f"nothing new for {quiet_seconds:.0f} s{self._explained()}", "yellow")

    def _explained(self) -> str:
        """Nothing where the farm does not say, or may not be asked: the job goes on all the same."""
        try:
            return f": {self.explain()}"
        except (BotoCoreError, ClientError):
            return ""


def say_end(screen: Screen, job: Job) -> bool:
    """Say how a job ended. Whether every frame of it was rendered."""
    if job.state is JobState.DONE:
        took = f", {duration(job.worker_seconds)} of machine time" if job.worker_seconds else ""
        screen.note(f"{job.job_id} is done: {job.frames_done:,} frames{took}", "green")
        return True
    screen.note(f"{job.job_id}: {job.state}: {job.reason or 'no reason was recorded'}", "red")
    if job.state is not JobState.CANCELED:
        screen.note(f"`farm logs {job.job_id}` shows what Blender said")
    return False
