"""How long a frame will still take."""

from worker_agent.frame_clock import FrameClock


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
