"""Where a job's records and files are."""

from __future__ import annotations

from dataclasses import dataclass

from worker_agent.frames.frame_store import FrameStore
from worker_agent.jobs.job_store import JobStore
from worker_agent.jobs.scratch import Scratch
from worker_agent.services.bucket import Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    jobs: JobStore
    frames: FrameStore
    bucket: Bucket
    scratch: Scratch
