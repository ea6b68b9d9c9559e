"""Of the upload, and of the job that it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contract.job import Job, JobState
from contract.keys import make_job_id
from farm.doctor.live.live_run import LiveRun
from farm.doctor.live.verdict import Seen, TimeOverError, not_so, not_tried, ok
from farm.failed_boots import failed_boots

SCENE: Final = Path(__file__).resolve().parents[1] / "three_frames.blend"
"""Made by three_frames.py beside it."""
FRAMES: Final = 3
NAME: Final = "three frames, é + ü & 100%.blend"
"""Spaces, letters beyond ASCII, and whatever else an encoding may trip over."""
HEARD_SECONDS: Final = 90.0
"""S3 sends most events within seconds, and some after a minute."""
MOST_DOLLARS: Final = 1.0
COUNTED_SECONDS: Final = 20.0
"""A worker tells what it was used for as it turns to something else."""


def upload(run: LiveRun) -> None:
    """Put the scene into the bucket, under a key that S3 has to encode."""
    bucket = run.farm.outputs["RenderBucketName"]
    run.source_key = f"{run.project}/{NAME}"
    run.uploaded_at = run.clock()
    answer = run.farm.clients.s3.put_object(Bucket=bucket, Key=run.source_key, Body=SCENE.read_bytes())
    run.source_version = answer.get("VersionId", "")
    run.job_id = make_job_id(bucket, run.source_key, run.source_version)


def event_names_the_upload(run: LiveRun) -> Seen:
    """The job's id is made of key and version: another key, or none, would make another job."""
    if not run.source_version:
        return not_so("S3 gave the upload no version id: is the bucket not versioned any more?")
    job = run.wait_for(run.job, HEARD_SECONDS)
    if job:
        return ok(f"the job is there {run.clock() - run.uploaded_at:.0f} s after the upload of {NAME!r}")
    others = [other for other in run.farm.records.latest_jobs(10) if other.project.startswith(run.project)]
    if others:
        return not_so(f"S3 called it {others[0].source_key!r}, version {others[0].source_version!r}")
    return not_so(f"no job came of {run.source_key!r} within {HEARD_SECONDS:.0f} s")


def machine_renders(run: LiveRun) -> Seen:
    """A machine of that image, with that user data, becomes a worker; and Blender renders there."""
    if run.job() is None:
        return not_tried("there is no job")
    try:
        job = run.wait_for(lambda: _settled(run.job()), run.ends_at - run.clock())
    except TimeOverError:
        return _unrendered(run)
    if job is None:
        return _unrendered(run)
    if job.state is JobState.HELD:
        return not_tried(f"the job is held: {job.reason}")
    if job.state is not JobState.DONE:
        return not_so(f"the job is {job.state}: {job.reason}")
    if job.frames_done != FRAMES:
        return not_so(f"{job.frames_done} of {FRAMES} frames are done")
    seconds = run.clock() - run.uploaded_at
    return ok(f"{FRAMES} frames by Blender {job.blender_version}, {seconds:.0f} s after the upload")


def _unrendered(run: LiveRun) -> Seen:
    """When the time is over. A busy farm, or one for which AWS has no machine, says nothing of machines."""
    job = run.job()
    words = (
        f"{run.clock() - run.uploaded_at:.0f} s after the upload the job is {job.state if job else 'gone'}"
    )
    if job and job.waiting_for:
        return not_tried(f"{words}: {job.waiting_for}")
    if run.others():
        return not_tried(f"{words}, and other jobs are at work")
    boots = failed_boots(run.farm.clients.dynamodb.meta.client, run.farm.outputs["JobTableName"])[1]
    return not_so(f"{words}: {boots.words}" if boots.failures else words)


def run_price(run: LiveRun) -> Seen:
    job = run.job()
    if job is None or job.state is not JobState.DONE:
        return not_tried("the job is not done")
    job = run.wait_for(lambda: _counted(run.job()), COUNTED_SECONDS) or job
    if not job.worker_seconds:
        return not_tried("no worker has said yet how long it was at work on it")
    if not job.microdollars:
        return not_tried(f"{job.worker_seconds} s of a machine whose price is not known, or is nothing")
    words = f"${job.dollars:.4f} for {job.worker_seconds} s of a machine, boot and idling apart"
    return ok(words) if job.dollars < MOST_DOLLARS else not_so(words)


def _settled(job: Job | None) -> Job | None:
    return job if job and (job.state.ended or job.state is JobState.HELD) else None


def _counted(job: Job | None) -> Job | None:
    return job if job and job.worker_seconds else None
