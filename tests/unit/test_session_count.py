"""How many sessions a job gets, from what its turns have shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.job import Job
from tests.support.jobs import a_job
from worker_agent.seats.job_sessions import (
    ENOUGH,
    FIRST_TURNS,
    JobSessions,
    RenderedTurn,
    useful_sessions,
)
from worker_agent.seats.session_ceiling import SessionCeiling
from worker_agent.seats.session_count import KEPT_JOBS, SessionCounts

GIB = 1024**3
TURN = RenderedTurn(
    sessions=1,
    frame_seconds=1.0,
    cores_used=1.0,
    cores_idle=35.0,
    memory_bytes=GIB,
    free_memory_bytes=200 * GIB,
)


def show(job: JobSessions, turn: RenderedTurn = TURN, **changes: float) -> int:
    """Turns as alike as these until the job decides; its number then."""
    count, settled = job.count, job.settled
    for _ in range(100):
        job.add(replace(turn, sessions=count, **changes))  # type: ignore[arg-type]  # the fields' own types
        if (job.count, job.settled) != (count, settled):
            break
    return job.count


@pytest.mark.parametrize(
    ("used", "idle", "sessions"),
    [
        (1.0, 1.0, 2),
        (1.95, 0.05, 1),
        (1.75, 0.25, 1),
        (1.5, 0.5, 2),
        (2.0, 34.0, 16),
        (9.0, 27.0, 4),
        (18.0, 18.0, 2),
        (33.0, 3.0, 1),
        (0.0, 2.0, 64),
        (0.9, 0.0, 1),
    ],
)
def test_sessions_fill_what_one_leaves_idle(used: float, idle: float, sessions: int) -> None:
    assert useful_sessions(used, idle) == sessions


def test_processors_that_others_use_are_not_idle() -> None:
    """As when several workers share a computer: each uses less than all, and there is nothing to win."""
    job = JobSessions()
    assert show(job, cores_used=1.0, cores_idle=0.1) == 1
    assert job.settled


def test_the_number_doubles_while_that_renders_more() -> None:
    job = JobSessions()
    counts = [show(job) for _ in range(5)]
    assert counts == [2, 4, 8, 16, 31]
    assert show(job) == 31
    assert job.settled


def test_a_step_that_renders_no_more_is_taken_back_for_good() -> None:
    job = JobSessions()
    assert [show(job), show(job)] == [2, 4]
    assert show(job, frame_seconds=1.9) == 2, "four at 1.9 s are hardly more than two at 1 s"
    assert job.settled
    assert show(job, cores_used=0.1) == 2


def test_a_step_that_renders_a_little_more_stays() -> None:
    job = JobSessions()
    show(job)
    assert show(job, frame_seconds=1.8) == 4


@pytest.mark.parametrize(("free_gib", "most"), [(0, 1), (1, 1), (2, 2), (5, 4), (6, 4), (9, 7)])
def test_memory_is_the_limit(free_gib: int, most: int) -> None:
    job = JobSessions()
    for _ in range(6):
        left = (free_gib + 1 - job.count) * GIB
        show(job, free_memory_bytes=left)
    assert job.count == most
    assert job.settled


def test_what_was_measured_with_another_number_says_nothing() -> None:
    job = JobSessions()
    show(job)
    for _ in range(50):
        job.add(replace(TURN, sessions=1, frame_seconds=9.0))
    assert (job.count, job.settled) == (2, False)


def test_one_odd_frame_decides_nothing() -> None:
    job = JobSessions()
    show(job)
    for seconds in (1.0, 1.0, 30.0):
        job.add(replace(TURN, sessions=2, frame_seconds=seconds))
    assert job.count == 4


def test_nothing_is_decided_before_enough_is_known() -> None:
    job = JobSessions()
    for _ in range(FIRST_TURNS - 1):
        job.add(TURN)
    assert job.count == 1
    job.add(TURN)
    assert job.count == 2


def decided(counts: SessionCounts, job: Job) -> int:
    for _ in range(FIRST_TURNS):
        counts.add(job, TURN)
    return counts.count(job)


def test_each_job_has_a_number_of_its_own_and_no_more_than_there_are_processors() -> None:
    counts = SessionCounts(None, processors=36)
    assert decided(counts, a_job("one")) == 2
    assert counts.count(a_job("other")) == 1
    assert counts.most == 36
    assert decided(SessionCounts(None, processors=1), a_job("one")) == 1
    assert SessionCounts(None, processors=192).most == 64


def test_a_number_that_the_machine_limits_is_settled_and_falls_for_memory() -> None:
    """One that uses 0.6 of four processors promises more than four: those are never there to be measured."""
    counts = SessionCounts(None, processors=4)
    job = a_job()
    numbers = [1]
    for free_gib in [200] * 30 + [-2] * 30:
        turn = replace(TURN, cores_used=0.6, cores_idle=3.4, free_memory_bytes=free_gib * GIB)
        counts.add(job, replace(turn, sessions=counts.count(job)))
        if counts.count(job) != numbers[-1]:
            numbers.append(counts.count(job))
    assert numbers[:3] == [1, 2, 4]
    assert numbers[3:] == [1]


def test_a_number_that_has_fallen_comes_back_to_what_the_machine_limits() -> None:
    seconds = 0.0
    job = JobSessions(SessionCeiling(lambda: seconds), limit=4)
    counts = [show(job, cores_used=0.6, cores_idle=3.4) for _ in range(3)]
    assert (counts, job.settled) == ([2, 4, 4], True)
    job.fail(4)
    numbers = [job.count]
    for _ in range(200):
        seconds += 60
        job.add(replace(TURN, sessions=job.count))
        if job.count != numbers[-1]:
            numbers.append(job.count)
    assert numbers == [2, 4]


def test_only_the_last_jobs_are_remembered() -> None:
    counts = SessionCounts(None, processors=36)
    decided(counts, a_job("one"))
    for number in range(KEPT_JOBS - 1):
        counts.count(a_job(f"other-{number}"))
    assert counts.count(a_job("one")) == 2
    counts.count(a_job("one more"))
    assert counts.count(a_job("one")) == 2, "it was asked for lately"
    for number in range(KEPT_JOBS):
        counts.count(a_job(f"another-{number}"))
    assert counts.count(a_job("one")) == 1


def test_what_the_owner_said_holds_whatever_is_measured() -> None:
    counts = SessionCounts(3, processors=2)
    assert (counts.most, counts.count(a_job())) == (3, 3)
    assert decided(counts, a_job()) == 3
    assert SessionCounts(3, processors=2).count(a_job(device="OPTIX")) == 3


def test_a_gpu_has_one_session() -> None:
    counts = SessionCounts(None, processors=36)
    assert decided(counts, a_job("of a GPU", device="OPTIX")) == 1
    assert decided(counts, a_job("of processors", device="CPU")) == 2
    assert decided(counts, a_job("of old", device="")) == 2


def settled_at(count: int) -> JobSessions:
    job = JobSessions()
    while job.count < count or not job.settled:
        show(job, cores_used=1.0, cores_idle=count / ENOUGH - 1.05)
    assert job.count == count
    return job


def watch(job: JobSessions, turns: int = 100, **changes: float) -> list[int]:
    """The numbers that come of so many turns as alike as these."""
    numbers = [job.count]
    for _ in range(turns):
        job.add(replace(TURN, sessions=job.count, **changes))  # type: ignore[arg-type]  # the fields' own types
        if job.count != numbers[-1]:
            numbers.append(job.count)
    return numbers


def test_a_settled_number_falls_when_frames_need_more_memory() -> None:
    """Sixteen GiB: eight frames of 1 GiB have room, three of 4 GiB."""
    job = settled_at(8)
    assert watch(job, free_memory_bytes=8 * GIB) == [8]
    numbers = [job.count]
    for _ in range(100):
        free = (16 - 4 * job.count) * GIB
        job.add(replace(TURN, sessions=job.count, memory_bytes=4 * GIB, free_memory_bytes=free))
        numbers.append(job.count)
    assert sorted(set(numbers)) == [2, 8]
    assert watch(job) == [2], "it does not come back at once for frames that need less"


def test_a_number_that_still_rises_falls_for_memory_too() -> None:
    job = JobSessions()
    assert [show(job), show(job)] == [2, 4]
    assert show(job, free_memory_bytes=-GIB) == 2
    assert job.settled


def test_one_reading_of_little_free_memory_takes_nothing_away() -> None:
    job = settled_at(8)
    for number in range(100):
        free = -4 * GIB if number % 5 == 0 else 8 * GIB
        job.add(replace(TURN, sessions=8, free_memory_bytes=free))
    assert job.count == 8


def test_frames_much_slower_show_that_fewer_are_as_quick() -> None:
    """As of frames that all processors share evenly: each takes as long as there are sessions."""
    job = settled_at(8)
    watch(job, turns=9)
    numbers = [job.count]
    for _ in range(100):
        job.add(replace(TURN, sessions=job.count, frame_seconds=float(job.count)))
        numbers.append(job.count)
    assert sorted(set(numbers)) == [1, 2, 4, 8]
    assert numbers[-1] == 1


def test_frames_slower_by_themselves_leave_the_number() -> None:
    job = settled_at(8)
    watch(job, turns=9)
    assert watch(job, turns=200, frame_seconds=3.0) == [8, 4, 8], "looked at once"


def test_of_two_that_are_quicker_than_one_both_stay() -> None:
    job = settled_at(2)
    watch(job, turns=3)
    numbers = [job.count]
    for _ in range(100):
        job.add(replace(TURN, sessions=job.count, frame_seconds=2.5))
        numbers.append(job.count)
    assert (sorted(set(numbers)), numbers[-1]) == ([1, 2], 2)


def test_a_frame_that_fails_beside_others_halves_the_number_once_for_all_that_fail_with_it() -> None:
    job = settled_at(8)
    for _ in range(8):
        job.fail(8)
    assert (job.count, job.settled) == (4, True)
    job.fail(4)
    job.fail(2)
    assert watch(job) == [1]
    job.fail(2)
    assert job.count == 1


def test_a_step_up_that_fails_is_taken_back_for_good() -> None:
    job = JobSessions()
    assert [show(job), show(job)] == [2, 4]
    job.fail(4)
    assert watch(job) == [2]
    job = JobSessions()
    assert show(job) == 2
    job.fail(4)
    assert watch(job) == [2], "four have failed"


def test_what_the_owner_said_gives_way_to_frames_that_fail_by_it() -> None:
    counts = SessionCounts(6, processors=2)
    counts.fail(a_job("heavy"), 6)
    assert (counts.count(a_job("heavy")), counts.count(a_job("light"))) == (3, 6)
