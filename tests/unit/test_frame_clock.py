"""How long a frame will still take."""

from worker_agent.seats.frame_clock import FrameClock


def test_tells_what_is_left_of_a_frame() -> None:
    now = [100.0]
    clock = FrameClock(lambda: now[0])
    assert clock.seconds_left() == 0, "no frame is being rendered"
    clock.begin(30)
    now[0] = 110
    assert clock.seconds_left() == 20
    now[0] = 200
    assert clock.seconds_left() == 0, "late, and so any moment now"
    clock.begin(None)
    assert clock.seconds_left() is None, "nobody knows"
    clock.end()
    assert clock.seconds_left() == 0


def test_tells_when_blender_is_free_but_not_of_a_frame_that_is_late() -> None:
    now = [100.0]
    clock = FrameClock(lambda: now[0])
    assert clock.turn_seconds_left() == 0
    clock.begin(None)
    assert clock.turn_seconds_left() is None
    clock.has_rendered("a", 10)
    clock.has_rendered("a", 8)
    clock.turn_to(3)
    clock.begin(12, frames_after=2)
    now[0] = 104
    assert clock.turn_seconds_left() == 6 + 2 * 10, "as the slowest of the last"
    now[0] = 112
    assert clock.turn_seconds_left() == 2 * 10, "any moment now"
    now[0] = 117
    assert clock.turn_seconds_left() is None
    clock.end()
    assert clock.turn_seconds_left() == 0


def test_quick_frames_in_a_row_wake_nobody_each() -> None:
    now, told = [100.0], list[float]()
    clock = FrameClock(lambda: now[0], changed=lambda: told.append(now[0]))
    clock.begin(None)
    for left in range(9, -1, -1):
        clock.begin(0.1, frames_after=left)
        now[0] += 0.125
    assert told == [100, 100, 100.25, 100.5, 100.75, 101], "that the scene is open is told at once"
    clock.begin(0.1, frames_after=5)
    assert told[-1] == now[0] == 101.25, "and so is another run of frames"
    clock.end()
    clock.begin(0.1, frames_after=4)
    assert told[-2:] == [101.25, 101.25], "or the next after a pause"
