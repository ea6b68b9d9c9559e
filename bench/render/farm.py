"""A scene's frames through a laptop farm's queue, table and bucket."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from rich.console import Console

from bench.render.agents import BenchAgents
from bench.render.blender import BenchError
from bench.render.contenders import ONE_AGENT, TWO_AGENTS
from bench.render.interval import Interval
from bench.render.processor_time import used
from bench.render.recording_agent import Note
from bench.render.run import Run
from contract.frame_record import FrameRecord
from contract.frames import parse_frames
from contract.job import FrameState, Job, JobState, timestamp
from contract.keys import frames_prefix
from contract.routes import Route
from contract.table import INDEX_PARTITION_KEY, JOB_LISTING, job_key
from farm.jobs import Farm
from farm.submission import Order, Submitter
from worker_agent.bake.render_start import RenderStart
from worker_agent.stores import Stores
from worker_agent.tasks.task_queue import TaskQueue

_LONGEST_SECONDS: Final = 900.0
_LOOK_SECONDS: Final = 0.2
_CLAIM_LOOK_SECONDS: Final = 0.02
"""An agent that listens claims at once: processor time is counted from here on."""
_END_LOOK_SECONDS: Final = 0.05
"""And until here: then it makes a preview, which is not in the frames' seconds either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A job that was baked, as it was before its first frame: jobs like it are made of this."""

    job: Job
    project: Path
    """A copy of what its baker published."""

    @property
    def blend(self) -> Path:
        return self.project / self.job.baked_blend


@dataclass(slots=True, kw_only=True)
class BenchFarm:
    farm: Farm
    agents: BenchAgents
    stores: Stores
    queues: dict[Route, TaskQueue]
    _last_release: tuple[str, str] = field(default=("", ""), init=False)
    """Version and form of the Blender that rendered last: an idle agent's spare one is of that release."""

    def prepare(self, blend: Path, folder: Path) -> Prepared:
        """Send a file through the front door and wait for the job's end; what was baked is kept.

        Raises BenchError.
        """
        order = Order(file=blend, project=f"bench/{blend.stem}", asked={}, pack=False)
        job_id = Submitter(farm=self.farm, console=Console(quiet=True)).submit(order).job_id
        job = self._await(job_id, lambda job: job.state is JobState.RENDERING)
        self.agents.pause()  # before the project is cleared away
        try:
            shutil.copytree(self.stores.scratch.baked(job.job_id, job.baked_folder), folder)
        finally:
            self.agents.resume()
        self._await(job_id, lambda job: job.state.ended)
        return Prepared(job=job, project=folder)

    def render(self, prepared: Prepared, agents: int, folder: Path) -> Run:
        """The frames of a job like that one, by agents that are ready and idle. Raises BenchError."""
        self.agents.hold(agents)
        self._have_used_the_release_of(prepared)
        self.agents.rest()
        job = self._put(prepared)
        self.agents.new_notes()  # of the job before
        notes: list[Note] = []
        RenderStart(stores=self.stores, queues=self.queues).send(job)
        self._await_note(notes, job, "RenderTask", _CLAIM_LOOK_SECONDS)
        before = self.agents.processor_time()
        self._await_note(notes, job, "FinishTask", _END_LOOK_SECONDS)
        processor = used(before, self.agents.processor_time())
        ended = self._await(job.job_id, lambda job: job.state.ended)
        frames = sorted(self.stores.frames.frames(ended), key=lambda record: record.frame)
        _require_all(ended, frames)
        notes += self.agents.new_notes()  # one agent's may be behind the other's
        interval = Interval.of(sorted(notes, key=lambda note: note.at), job)
        self._download(ended, frames, folder)
        return Run(
            contender=ONE_AGENT if agents == 1 else TWO_AGENTS,
            frames=len(frames),
            seconds=interval.seconds,
            frames_seconds=interval.frames_seconds(frames),
            blender_seconds=sum(record.seconds for record in frames),
            processor=processor,
            pictures=folder,
            version=frames[0].blender_version,
            calls=interval.calls,
        )

    def _have_used_the_release_of(self, prepared: Prepared) -> None:
        """Have one frame rendered that is not measured, if the last ones were another release's: no farm has
        two of them in turns as the scenes here do.
        """
        job = prepared.job
        release = job.blender_version, job.blender_form
        if release != self._last_release:
            frames = str(parse_frames(job.frames)[0])
            one = self._put(replace(prepared, job=replace(job, frames=frames, frame_count=1)))
            RenderStart(stores=self.stores, queues=self.queues).send(one)
            self._await(one.job_id, lambda job: job.state.ended)
            self._last_release = release

    def _put(self, prepared: Prepared) -> Job:
        now = timestamp(datetime.now(UTC))
        name = f"{prepared.job.project.rpartition('/')[2]}-{uuid4().hex[:12]}"
        job = replace(prepared.job, job_id=name, created_at=now, updated_at=now, frames_sent_at="")
        shutil.copytree(prepared.project, self.stores.scratch.baked(job.job_id, job.baked_folder))
        self.stores.frames.expect(job.job_id, parse_frames(job.frames), job.shards)
        self.farm.table.put_item(
            Item={**job_key(job.job_id), **job.to_item(), INDEX_PARTITION_KEY: JOB_LISTING}
        )
        return job

    def _await(self, job_id: str, wanted: Callable[[Job], bool]) -> Job:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while time.monotonic() < deadline:
            job = self.stores.jobs.job(job_id)
            if job and wanted(job):
                return job
            if job and job.state.ended:
                raise BenchError(f"the job {job_id} is {job.state}: {job.reason}")
            time.sleep(_LOOK_SECONDS)
        raise BenchError(f"the job {job_id} did not get on within {_LONGEST_SECONDS:.0f} s")

    def _await_note(self, notes: list[Note], job: Job, kind: str, look_seconds: float) -> None:
        """Add what the agents note until one takes such a task; times come from the notes, not from the look.

        The farm is asked nothing, which would cost the emulator time. Raises BenchError.
        """
        deadline = time.monotonic() + _LONGEST_SECONDS
        while not any((kind, job.job_id) in note.tasks for note in notes):
            if time.monotonic() > deadline:
                raise BenchError(f"no agent took a {kind} of {job.job_id} within {_LONGEST_SECONDS:.0f} s")
            time.sleep(look_seconds)
            notes += self.agents.new_notes()

    def _download(self, job: Job, frames: list[FrameRecord], folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for record in frames:
            for name in record.files:
                key = frames_prefix(job.project, job.job_id) + name
                self.farm.s3.download_file(self.farm.bucket, key, str(folder / Path(name).name))


def _require_all(job: Job, frames: list[FrameRecord]) -> None:
    done = sum(record.state is FrameState.DONE for record in frames)
    if job.state is not JobState.DONE or done != job.frame_count:
        raise BenchError(f"the job {job.job_id} is {job.state} with {done} of {job.frame_count} frames")
