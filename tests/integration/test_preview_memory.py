"""A preview takes as much memory for many frames as for few: a share of what `make bench` measures."""

from bench.preview import measure


def test_three_times_the_frames_take_no_more_memory() -> None:
    few, many = (measure(count, 512, 270) for count in (30, 90))
    for name in ("agent", "decoder", "encoder"):
        assert 20 << 20 < few[name] < 400 << 20, (name, few)
        assert many[name] < 1.3 * few[name], (name, few, many)
