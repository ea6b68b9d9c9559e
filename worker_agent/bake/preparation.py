"""Fetches a job's file, has Blender inspect and bake it, and publishes the project for rendering."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from contract.devices import Device
from contract.frames import format_frames, parse_frames
from contract.job import Job
from contract.keys import bake_log_key, inspection_key
from contract.options import JobOptions
from contract.runtimes import RuntimeSpec
from contract.table import shard_count
from worker_agent.bake.bake_progress import BakeProgressNote
from worker_agent.bake.inspection_verdict import require_files, scene_record, wanted_frames
from worker_agent.bake.scene_bake import SceneBake
from worker_agent.bake.source_file import fetch_blend
from worker_agent.blender import SceneReport
from worker_agent.host.machine import Machine
from worker_agent.seats.scene_sessions import OPEN_SECONDS, SceneSessions
from worker_agent.stores import Stores
from worker_agent.stores.bucket import Bucket
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError


class Preparation:
    """Of one job at a time, by its one baker, who has the machine's Blenders for itself."""

    def __init__(self, *, stores: Stores, sessions: SceneSessions, machine: Machine) -> None:
        self._stores = stores
        self._sessions = sessions
        self._machine = machine

    def prepare(self, job: Job, token: str, lease: Lease) -> dict[str, Any]:
        """Prepare and publish the job's project; of a retried job for the frames that it has, whatever they
        were. What is to be recorded of it.

        Raises what its owner has to mend (SceneRejected, BundleRejectedError, FrameRangeError,
        MissingFilesError, SourceGoneError), a BlenderError, RuntimeUnavailableError or InterruptedTaskError.
        """
        folder = self._stores.scratch.begin_bake(job.job_id, token)
        published = self._stores.scratch.baked(job.job_id, self._stores.scratch.published_name(token))
        options = JobOptions.from_map(job.options)
        blend = fetch_blend(self._stores.bucket, job, folder, options.blend)
        spec, build, device = self._choose(job, blend, options)
        with self._sessions.fresh(
            spec, build, project=folder, changes_it=False, published=published
        ) as session:
            report = session.open(
                blend,
                options.for_blender(),
                timeout_seconds=OPEN_SECONDS,
                asked_frames=options.asked_frames(),
                bound_device=device,
                scripts=self._sessions.scripts_run(options),
            )
            self._record_inspection(job, token, report)
            require_files(report, allow_missing=bool(options.allow_missing))
            frames = parse_frames(job.frames) if job.frames else wanted_frames(options, report)
            moves_by_itself = report.needs_bake(max(frames))
            if not moves_by_itself:
                keep_bake_log(self._stores.bucket, job, session.log_tail())
                self._publish(job, token, frames, lease)
                self._sessions.keep(job.job_id, published)
        if moves_by_itself:
            build, bound = session.runtime_build, session.device.kind
            bake = SceneBake(
                folder=folder, blend=blend, options=options, spec=spec, build=build, device=bound
            )
            progress = BakeProgressNote(self._stores.jobs, job.job_id, token)
            keep_log = partial(keep_bake_log, self._stores.bucket, job)
            bake.run(self._sessions, max(frames), on_progress=progress.take, take_log=keep_log)
            self._publish(job, token, frames, lease)
        return {
            "baked_folder": published.name,
            "baked_blend": str(blend.relative_to(folder)),
            # as asked: short, whatever the order
            "frames": job.frames or options.frames or format_frames(frames),
            "frame_count": len(frames),
            "shards": _shards(job, frames),
            "blender_version": session.runtime_version,
            "blender_build": session.runtime_build,
            "blender_form": str(spec.form),
            "device": str(session.device.kind),
            "device_note": job.device_note if device else session.device.note,
            "reason": "",
        }

    def _publish(self, job: Job, token: str, frames: Sequence[int], lease: Lease) -> None:
        self._stores.frames.expect(job.job_id, frames, _shards(job, frames))
        self._machine.require_scratch()
        if lease.lost:
            raise InterruptedTaskError("the lease was lost during the bake")
        self._stores.scratch.publish(job.job_id, token)

    def _choose(self, job: Job, blend: Path, options: JobOptions) -> tuple[RuntimeSpec, str | None, str]:
        """The Blender to bake with; its build and the device too when the job has frames: they must match."""
        if job.shards and self._stores.frames.progress(job).done:
            return self._sessions.bound(job), job.blender_build, job.device or Device.CPU
        return self._sessions.choose(blend, options.blender_version), None, ""

    def _record_inspection(self, job: Job, token: str, report: SceneReport) -> None:
        """All of it beside the job's logs, the small part on its record, also when the job then fails."""
        self._stores.bucket.put_text(
            inspection_key(job.project, job.job_id),
            json.dumps(report.to_json(), indent=1, ensure_ascii=False),
            content_type="application/json",
        )
        if not self._stores.jobs.record_scene(job.job_id, token=token, scene=scene_record(report)):
            raise InterruptedTaskError("another baker has taken over, or the job has ended")


def keep_bake_log(bucket: Bucket, job: Job, log: str) -> None:
    """What Blender said of a job before its frames, beside them; the last one that is kept holds."""
    bucket.put_text(bake_log_key(job.project, job.job_id), log)


def _shards(job: Job, frames: Sequence[int]) -> int:
    return job.shards or shard_count(len(frames))
