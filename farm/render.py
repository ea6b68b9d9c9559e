"""Watch a job and take its frames home as they end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from contract.job import FrameRecord, FrameState, Job, JobState
from contract.keys import bake_log_key, output_prefix
from farm.download import UnsafeNameError, download, download_frame
from farm.jobs import Farm
from farm.screen import Screen
from farm.watch import Watch, say_end

MAX_LOGS = 20


@dataclass(slots=True, kw_only=True)
class FramesHome:
    """Keeps the frames of one job in a folder."""

    farm: Farm
    folder: Path
    screen: Screen
    files: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def take(self, job: Job, record: FrameRecord) -> None:
        """Download what a frame that is done is made of."""
        if record.state is FrameState.FAILED:
            return
        for name in record.files:
            try:
                path = download_frame(
                    self.farm, project=job.project, job_id=job.job_id, name=name, folder=self.folder
                )
            except (UnsafeNameError, OSError, ClientError) as error:
                self.refused.append(f"frame {record.frame}: {error}")
                continue
            self.files.append(path)
            self.screen.note(f"frame {record.frame} in {record.seconds:.1f} s: {path}", "dim")

    def take_logs(self, job: Job, failed: list[FrameRecord]) -> None:
        """What Blender said of what went wrong; a log that is not there is no further failure."""
        prefix = output_prefix(job.project, job.job_id)
        tried = [record.failures[-1].log for record in failed[:MAX_LOGS] if record.failures]
        for key in [prefix + log for log in tried if log] or [bake_log_key(job.project, job.job_id)]:
            path = self.folder / "logs" / key.rpartition("/")[2]
            try:
                download(self.farm, key, path)
            except (OSError, ClientError, BotoCoreError):
                continue
            self.screen.note(f"Blender's log: {path}")


def render(watch: Watch, home: FramesHome) -> bool:
    """Follow the job to its end. Whether every frame was rendered and came home."""
    watch.take = home.take
    job = watch.run()
    for reason in home.refused:
        home.screen.note(reason, "red")
    rendered = say_end(home.screen, job)
    if job.state is JobState.DONE:
        home.screen.note(f"{len(home.files)} files in {home.folder}", "green")
    else:
        home.take_logs(job, watch.failed)
    return rendered and not home.refused
