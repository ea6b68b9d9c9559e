"""Job records for tests."""

from __future__ import annotations

from typing import Any

from contract.job import Job


def a_job(job_id: str = "a", **attributes: Any) -> Job:
    """A record as the listener makes it, but for `attributes`."""
    made: dict[str, Any] = {
        "project": "p",
        "name": "n.blend",
        "bucket": "b",
        "source_key": "p/n.blend",
        "source_version": "1",
        "source_bytes": 1,
        "created_at": "2026",
    }
    return Job(job_id=job_id, **{**made, **attributes})
