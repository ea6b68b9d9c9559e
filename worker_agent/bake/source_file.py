"""What was uploaded, brought into a baker's folder."""

from __future__ import annotations

from pathlib import Path

from contract.job import Job
from contract.keys import is_archive, safe_file_name
from worker_agent.bundle import unpack
from worker_agent.stores.bucket import Bucket


def fetch_blend(bucket: Bucket, job: Job, folder: Path, wanted: str | None) -> Path:
    """The job's .blend; of an archive, which is unpacked, the one that is wanted.

    Raises SourceGoneError, and BundleRejectedError for an archive that has none or is refused.
    """
    source = folder / safe_file_name(job.name)
    bucket.download_source(job, source)
    if not is_archive(source.name):
        return source
    project = folder / "project"
    project.mkdir()
    blend = unpack(source, project, wanted)
    source.unlink()
    return blend
