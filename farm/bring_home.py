"""Watch a job to its end and take its files home."""

from __future__ import annotations

from contract.archives import size_in_words
from contract.job import FrameState, Job
from contract.record_reader import RecordReader
from farm.transfer.job_files import JobFiles
from farm.watch import Watch, say_end


def bring_home(watch: Watch, files: JobFiles) -> tuple[Job, bool]:
    """Follow the job to its end; its record, and whether every frame was rendered and every file came.

    Ctrl-C leaves the job running and what has come where it is.
    """
    watch.take = files.take
    job = watch.run()
    came = files.finish(job, watch.failed)
    rendered = say_end(files.screen, job)
    say_files(files)
    return job, rendered and came


def take_what_is_there(records: RecordReader, job: Job, files: JobFiles) -> bool:
    """Take what is done by now. Whether all of that came."""
    failed = []
    for record in records.frames(job.job_id, range(job.shards)):
        files.take(job, record)
        if record.state is FrameState.FAILED:
            failed.append(record)
    return files.finish(job, failed)


def say_files(files: JobFiles) -> None:
    """How much is here, and how much of it was already."""
    count, old = len(files.fetched), sum(not file.fetched_bytes for file in files.fetched)
    size_bytes = sum(file.size_bytes for file in files.fetched)
    there = f", {old} of them were there already" if old else ""
    files.screen.note(
        f"{count} files, {size_in_words(size_bytes)}, verified, in {files.folder}{there}", "green"
    )
