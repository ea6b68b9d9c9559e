"""A job that fails in one way from its first frame on is ended before it costs more."""

from collections.abc import Iterator

import pytest

from contract.failures import FailureKind
from contract.frame_record import FailedAttempt, FrameRecord
from contract.job import FrameState, Progress
from contract.options import JobOptions
from worker_agent.jobs.early_stop import DEFAULT_FAILED_FRAMES, reason_to_stop


def failed(count: int, *kinds: FailureKind) -> list[FrameRecord]:
    """Frames that failed, of these kinds in turn."""
    return [
        FrameRecord(
            frame=number,
            state=FrameState.FAILED,
            failures=(
                FailedAttempt(
                    token="t",
                    kind=kinds[number % len(kinds)],
                    reason="Blender was stopped.",
                    worker="w",
                    at="",
                ),
            ),
        )
        for number in range(count)
    ]


CRASHED, OVER_TIME = FailureKind.CRASHED, FailureKind.OVER_TIME


@pytest.mark.parametrize(
    ("what", "options", "done", "frames", "stops"),
    [
        ("every one of the first frames", {}, 0, failed(10, CRASHED), True),
        ("too few to say", {}, 0, failed(9, CRASHED), False),
        ("nine of ten", {}, 1, failed(10, CRASHED), True),
        ("more are done than that", {}, 2, failed(10, CRASHED), False),
        ("they fail in two ways", {}, 0, failed(10, CRASHED, OVER_TIME), False),
        ("asked to stop sooner", {"stop_after_failed_frames": 2}, 0, failed(2, CRASHED), True),
        ("asked never to stop", {"stop_after_failed_frames": 0}, 0, failed(5000, CRASHED), False),
        ("asked for half", {"stop_failed_percentage": 50}, 10, failed(10, CRASHED), True),
        ("asked for all", {"stop_failed_percentage": 100}, 1, failed(99, CRASHED), False),
    ],
)
def test_decides(
    what: str, options: dict[str, int], done: int, frames: list[FrameRecord], stops: bool
) -> None:
    progress = Progress(total=10_000, done=done, failed=len(frames))
    reason = reason_to_stop(JobOptions(**options), progress, lambda: frames)  # type: ignore[arg-type]
    assert bool(reason) is stops, what


def test_a_job_that_is_complete_needs_no_stop() -> None:
    frames = failed(10, CRASHED)
    assert not reason_to_stop(JobOptions(), Progress(total=10, failed=10), lambda: frames)


def test_says_why_and_what_to_do() -> None:
    frames = failed(DEFAULT_FAILED_FRAMES, OVER_TIME)
    reason = reason_to_stop(JobOptions(), Progress(total=50, failed=len(frames)), lambda: frames)
    assert reason == (
        "stopped early: 10 of the first 10 frames failed in the same way (over time): Blender was stopped. "
        "Mend the scene and upload it again, or raise stop_after_failed_frames (0: never stop)"
    )


def test_records_are_not_read_when_the_counts_speak_against_it() -> None:
    def unread() -> Iterator[FrameRecord]:
        raise AssertionError("it costs a query for each failed frame")

    assert not reason_to_stop(JobOptions(), Progress(total=5000, done=4000, failed=100), unread)
