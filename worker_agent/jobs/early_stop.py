"""Ends a job whose first frames all fail in the same way, before it burns more of its owner's money."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from contract.frame_record import FrameRecord
from contract.job import FrameState, Progress
from contract.options import JobOptions

DEFAULT_FAILED_FRAMES: Final = 10
DEFAULT_PERCENTAGE: Final = 90


def reason_to_stop(
    options: JobOptions, progress: Progress, frames: Callable[[], Iterable[FrameRecord]]
) -> str:
    """Why the job should end now, in words for its owner; empty when it should go on.

    `frames` reads the job's records, and is called only when the counts alone speak for an end.
    """
    count = options.stop_after_failed_frames
    count = DEFAULT_FAILED_FRAMES if count is None else count
    percentage = options.stop_failed_percentage or DEFAULT_PERCENTAGE
    ended = progress.done + progress.failed
    if (
        progress.complete
        or not count
        or progress.failed < count
        or progress.failed * 100 < percentage * ended
    ):
        return ""
    failed = [record for record in frames() if record.state is FrameState.FAILED and record.failures]
    kinds = {record.failures[-1].kind for record in failed}
    if len(kinds) != 1:
        return ""
    last = failed[0].failures[-1]
    return (
        f"stopped early: {progress.failed} of the first {ended} frames failed in the same way "
        f"({last.kind.words}): {last.reason} Mend the scene and upload it again, or raise "
        "stop_after_failed_frames (0: never stop)"
    )
