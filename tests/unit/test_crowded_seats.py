"""A turn that fails beside other Blenders: whether they are said to be why."""

from __future__ import annotations

import pytest

from contract.job import Job
from tests.support.jobs import a_job
from tests.support.several_seats import JOB, SeatedWorker, a_lease, hands
from worker_agent.blender import BlenderDied, BlenderError, BlenderTimedOut

LIMITED = a_job("film-1", options={"frame_timeout_seconds": 60})
NO_MEMORY = BlenderDied("Blender was killed by the system.", "out_of_memory")


def fail(worker: SeatedWorker, job: Job | None, error: BlenderError) -> bool:
    """Whether the others are said to be why a turn has failed."""
    error.crowded_out = False
    with pytest.raises(BlenderError), worker.turns.turn(a_lease(), job):
        raise error
    return error.crowded_out


@pytest.mark.parametrize(
    ("job", "error", "excused"),
    [
        (JOB, NO_MEMORY, True),
        (JOB, BlenderDied("it crashed", "crashed", log="std::bad_alloc"), True),
        (JOB, BlenderDied("it took more than 8 GiB of memory", "over_limit"), True),
        (LIMITED, BlenderTimedOut("not done within 60 s", "timed_out"), True),
        (JOB, BlenderTimedOut("not done in ten times what is usual", "timed_out"), False),
        (JOB, BlenderDied("it crashed", "crashed"), False),
    ],
)
def test_want_of_memory_or_time_beside_others_is_no_failure_of_the_frame(
    job: Job, error: BlenderError, excused: bool
) -> None:
    worker = SeatedWorker()
    assert not fail(worker, job, error), "it is alone"
    assert worker.counts.failed == []
    at = hands(worker, job, job)
    assert [hand.gets() for hand in at] == [0, 1]
    assert fail(worker, job, error) is excused
    assert worker.counts.failed == ([3] if excused else [])
    for hand in at:
        hand.lets_go()


def test_blenders_that_are_open_at_nothing_have_memory_too() -> None:
    worker = SeatedWorker()
    at = hands(worker, JOB, JOB)
    assert [hand.gets() for hand in at] == [0, 1]
    for hand in at:
        hand.lets_go()
    assert fail(worker, JOB, NO_MEMORY)
    worker.counts.number = 1
    assert not fail(worker, JOB, NO_MEMORY), "it was ended"
    assert worker.blenders[1].closes == 1
