"""Ten thousand frames are queued in few calls: from the claim of the bake task to its deletion."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from bench.aws_in_memory import Latencies, Services
from bench.scale.fleet import Names, a_fleet, session_of
from bench.scale.job import RenderedJob
from bench.scale.waiting import wait_until
from contract.table import MAX_SHARDS

FRAMES: Final = 10_000
MOST_CALLS: Final = 1_100
PER_CALL: Final = 10
"""Messages: SQS takes no more."""


def test_ten_thousand_frames_are_queued_in_few_calls(tmp_path: Path) -> None:
    services, names = Services(Latencies.none()), Names()
    job = RenderedJob(services, names, FRAMES)
    with a_fleet(tmp_path, session_of(services), names, frame_seconds=3600, poll_seconds=1) as fleet:
        fleet.add()
        wait_until(lambda: services.calls["frames", "sqs.DeleteMessage"] == 1, seconds=60)
        calls = Counter(services.calls)
        queued = services.queues.waiting(names.render_queue_url)
    assert job.frames_are_sent
    assert calls["frames", "sqs.SendMessageBatch"] == FRAMES / PER_CALL
    assert queued >= FRAMES - 1  # one may be taken already
    assert calls["frames", "dynamodb.UpdateItem"] <= MAX_SHARDS + 5  # the counters, and the job's own steps
    assert calls.total() <= MOST_CALLS
    assert calls["frames", "dynamodb.Query"] <= 1, "no record of a frame is there to be read"
