from __future__ import annotations

from dataclasses import replace

import pytest

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState
from functions.notify_people.message import MAX_SUBJECT, Message, message_of
from tests.support.jobs import a_job

DONE = a_job(
    "shot-1",
    name="shot.blend",
    project="film",
    bucket="renders",
    state=JobState.DONE,
    created_at="2026-01-01T10:00:00.000Z",
    updated_at="2026-01-01T12:05:00.000Z",
    frame_count=1200,
    frames_done=1200,
    bake_token="t",
    worker_seconds=36_000,
    microdollars=1_234_567,
)


def tell(job: Job, *failed: FrameRecord) -> Message:
    return message_of(job, failed, farm="Farm", dashboard_url="https://dashboard")


def failed(frame: int, reason: str) -> FrameRecord:
    return FrameRecord(frame=frame, state=FrameState.FAILED, reason=reason)


def test_a_job_that_is_done() -> None:
    message = tell(DONE)
    assert message.subject == "shot.blend is done"
    assert message.text == (
        "shot.blend is done.\n"
        "\n"
        "Job:      shot-1\n"
        "Project:  film\n"
        "Farm:     Farm\n"
        "Frames:   1,200 of 1,200 done\n"
        "Took:     2 h 05 min from the upload on\n"
        "Machines: 10 h 00 min of work, about $1.23\n"
        "\n"
        "The frames are in s3://renders/film/output/shot-1/frames/\n"
        "To have them here:       farm download shot-1\n"
        "To see all of it:        farm status shot-1\n"
        "Dashboard: https://dashboard\n"
    )


def test_failed_frames_are_told_by_their_reasons_the_most_frequent_first() -> None:
    job = replace(DONE, state=JobState.DONE_WITH_FAILURES, frames_done=1197, frames_failed=3)
    message = tell(job, failed(9, "no camera"), failed(8, "out of memory"), failed(7, "out of\nmemory"))
    assert message.subject == "shot.blend is done, with failed frames"
    assert "Frames:   1,197 of 1,200 done, 3 failed\n" in message.text
    assert "What failed:\n- frames 7, 8: out of memory\n- frame 9: no camera\n" in message.text
    assert "farm retry shot-1" in message.text
    assert "farm logs shot-1" in message.text
    assert "farm download shot-1" in message.text


def test_ten_thousand_failures_make_a_short_mail() -> None:
    job = replace(DONE, state=JobState.DONE_WITH_FAILURES)
    message = tell(job, *(failed(n, f"reason {n % 9}") for n in range(10_000)))
    assert "and 1,092 more: reason 0" in message.text
    assert "- and 4 other reasons" in message.text
    assert len(message.text.encode()) < 4000


def test_a_refused_upload_has_no_frames_logs_or_retry() -> None:
    job = replace(
        DONE,
        state=JobState.FAILED,
        reason="it is empty",
        frame_count=0,
        frames_done=0,
        bake_token="",
        worker_seconds=0,
    )
    message = tell(job)
    assert message.subject == "shot.blend failed"
    assert "Why: it is empty\n" in message.text
    for word in ("Frames:", "Machines:", "s3://", "farm retry", "farm logs", "farm download"):
        assert word not in message.text


def test_a_held_job_can_be_released() -> None:
    job = replace(
        DONE, state=JobState.HELD, reason="$100.00 of $100.00 are spent", frame_count=0, frames_done=0
    )
    message = tell(job)
    assert message.subject == "shot.blend is held by the budget"
    assert "Why: $100.00 of $100.00 are spent\n" in message.text
    assert "farm release shot-1" in message.text
    assert "farm retry" not in message.text


@pytest.mark.parametrize(
    "name",
    [
        "a" * 2000 + ".blend",
        "évil\r\nBcc: all@example.com.blend",
        "\x1b]0;owned\x07\u202e\u2028.blend",
        "影.blend",
        "",
        "   .blend",
    ],
)
@pytest.mark.parametrize(
    "state", [JobState.DONE, JobState.DONE_WITH_FAILURES, JobState.FAILED, JobState.HELD]
)
def test_a_strangers_names_stay_on_their_lines(name: str, state: JobState) -> None:
    job = replace(DONE, name=name, project=name, reason=f"{name}\n\nMachines: 0", state=state)
    message = tell(job, failed(1, name))
    assert message.subject.isascii()
    assert message.subject.isprintable()
    assert 0 < len(message.subject) <= MAX_SUBJECT
    assert not message.subject.startswith(" ")
    assert all(line.isprintable() for line in message.text.split("\n"))
    usual = tell(replace(DONE, name="n", project="n", reason="r", state=state), failed(1, "n"))
    assert message.text.count("\n") == usual.text.count("\n"), "a name makes no line of its own"


def test_what_happened_is_in_the_subject_however_long_the_name() -> None:
    message = tell(replace(DONE, name="a" * 500, state=JobState.DONE_WITH_FAILURES))
    assert message.subject.endswith("... is done, with failed frames")
    assert len(message.subject) == MAX_SUBJECT


def test_a_cent_is_not_nothing_and_no_price_is_no_dollars() -> None:
    assert "of work, less than $0.01\n" in tell(replace(DONE, microdollars=9)).text
    assert "of work\n" in tell(replace(DONE, microdollars=0)).text


def test_times_that_are_none_are_left_out() -> None:
    assert "Took:" not in tell(replace(DONE, created_at="2026")).text
