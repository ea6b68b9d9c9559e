"""Where a job's records and files are."""

from __future__ import annotations

from dataclasses import dataclass

from worker_agent.stores.bucket import Bucket
from worker_agent.stores.frame_store import FrameStore
from worker_agent.stores.job_store import JobStore
from worker_agent.stores.scratch import Scratch


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    jobs: JobStore
    frames: FrameStore
    bucket: Bucket
    scratch: Scratch
