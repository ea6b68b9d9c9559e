"""Send a file, watch it render, take its frames home."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from contract.job import FrameRecord, FrameState, Job, JobState
from contract.keys import bake_log_key, frame_log_key
from farm.download import UnsafeNameError, download, download_frame
from farm.follow import follow
from farm.jobs import Farm
from farm.screen import Screen

QUIET_SECONDS = 30
"""How long nothing may change before the person is told what the farm is doing."""
MAX_LOGS = 20


@dataclass(slots=True, kw_only=True)
class Render:
    """One job on its way; `finish` says whether every frame came home."""

    farm: Farm
    job_id: str
    project: str
    folder: Path
    screen: Screen
    explain: Callable[[], str]
    """What the farm is doing, when nothing has changed for long."""
    files: list[Path] = field(default_factory=list)
    failed: list[FrameRecord] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def run(self) -> Job:
        """Follow the job to its end. Each frame is downloaded as it ends."""
        told_at = 0.0
        job: Job | None = None
        for snapshot in follow(self.farm, self.job_id, clock=time.monotonic, pause=time.sleep):
            for record in snapshot.ended_frames:
                self._take(record)
            self.screen.show(snapshot)
            if snapshot.quiet_seconds < QUIET_SECONDS:
                told_at = 0.0
            elif snapshot.quiet_seconds - told_at >= QUIET_SECONDS:
                told_at = snapshot.quiet_seconds
                self.screen.note(f"nothing new for {told_at:.0f} s: {self.explain()}", "yellow")
            job = snapshot.job
        assert job
        return job

    def finish(self, job: Job) -> bool:
        """Say how it ended. True when every frame was rendered and downloaded."""
        for path in self.files:
            self.screen.note(str(path))
        for record in sorted(self.failed, key=lambda r: r.frame):
            self.screen.note(f"frame {record.frame} failed: {record.reason}", "red")
        for reason in self.refused:
            self.screen.note(reason, "red")
        if job.state is JobState.DONE:
            self.screen.note(f"done: {len(self.files)} files in {self.folder}", "green")
            return not self.refused
        self._take_logs(job)
        reason = job.reason or "no reason was recorded"
        self.screen.note(f"{job.job_id}: {job.state}: {reason}", "red")
        return False

    def _take(self, record: FrameRecord) -> None:
        if record.state is FrameState.FAILED:
            self.failed.append(record)
            return
        for name in record.files:
            try:
                path = download_frame(
                    self.farm, project=self.project, job_id=self.job_id, name=name, folder=self.folder
                )
            except (UnsafeNameError, OSError, ClientError) as error:
                self.refused.append(f"frame {record.frame}: {error}")
                continue
            self.files.append(path)
            self.screen.note(f"frame {record.frame} in {record.seconds:.1f} s: {path}", "dim")

    def _take_logs(self, job: Job) -> None:
        """What Blender said of what went wrong; a log that is not there is no further failure."""
        keys = [frame_log_key(self.project, self.job_id, r.frame) for r in self.failed[:MAX_LOGS]]
        for key in keys or [bake_log_key(self.project, self.job_id)]:
            path = self.folder / "logs" / key.rpartition("/")[2]
            try:
                download(self.farm, key, path)
            except (OSError, ClientError, BotoCoreError):
                continue
            self.screen.note(f"Blender's log: {path}")
