"""What the clocks of all seats together say, for whoever asks of the worker as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.seat import Seat


class SeatClocks:
    """Answers as one FrameClock does."""

    def __init__(self, seats: Sequence[Seat], turns: BlenderTurns) -> None:
        self._clocks = tuple(seat.clock for seat in seats)
        self._turns = turns

    @property
    def frame(self) -> tuple[int, float] | None:
        """Of the frames that Blenders are at, the one that was begun first, and the epoch seconds of that."""
        frames = [frame for clock in self._clocks if (frame := clock.frame)]
        return min(frames, key=lambda frame: frame[1], default=None)

    def recent_seconds(self, job_id: str) -> tuple[float, ...]:
        """How long the last few frames of a job took, wherever it was rendered last."""
        return tuple(seconds for clock in self._clocks for seconds in clock.recent_seconds(job_id))

    @property
    def usual_seconds(self) -> float | None:
        """That the frames of the job rendered last take, the slowest of the last few; None: nobody knows."""
        return max(self.recent_seconds(self._turns.job_id), default=None)

    def turn_seconds_left(self) -> float | None:
        """About the seconds until a Blender is free, rather too many than too few; None: nobody knows."""
        return self._turns.seconds_until_free()
