"""Frame ranges: fileseq is the reference."""

import pytest
from fileseq.frameset import FrameSet
from hypothesis import given
from hypothesis import strategies as st

from contract.frames import LAST_FRAME, MAX_FRAMES, FrameRangeError, format_frames, parse_frames

numbers = st.integers(0, 300)
parts = st.one_of(
    numbers.map(str),
    st.builds("{}-{}".format, numbers, numbers),
    st.builds("{}-{}{}{}".format, numbers, numbers, st.sampled_from("xy:"), st.integers(1, 40)),
)


@given(st.lists(parts, min_size=1, max_size=5).map(",".join))
def test_reads_every_range_as_fileseq_does(text: str) -> None:
    expected = tuple(FrameSet(text))
    if expected:
        assert parse_frames(text) == expected
    else:
        with pytest.raises(FrameRangeError, match="names no frame"):
            parse_frames(text)


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("1-100x33,150", (1, 34, 67, 100, 150)),
        ("1-3;7", (1, 2, 3, 7)),
        (" 1 , 3 ", (1, 3)),
        ("10-7", (10, 9, 8, 7)),
        ("1-5:2", (1, 3, 5, 2, 4)),
        ("1,,1,1", (1,)),
    ],
)
def test_reads(text: str, frames: tuple[int, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("abc", "'abc' is no frame range"),
        ("", "names no frame"),
        (",;", "names no frame"),
        ("1-10x0", "the step of '1-10x0' is 0"),
        ("1-10x-2", "is no frame range"),
        ("1..10", "is no frame range"),
        ("1-2-3", "is no frame range"),
        ("1.5", "is no frame range"),
        ("١-٣", "is no frame range"),
        ("-5-3", "frame -5 cannot be rendered"),
        (f"{LAST_FRAME + 1}", "cannot be rendered"),
        ("1-1000000", f"more than {MAX_FRAMES} frames"),
        ("1-1000000y2", f"more than {MAX_FRAMES} frames"),
        ("1-1000000:3", f"more than {MAX_FRAMES} frames"),
        ("1-60000,60001-120000", f"more than {MAX_FRAMES} frames"),
        ("9" * 5000, "is no frame range"),
    ],
)
def test_refuses_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(FrameRangeError) as error:
        parse_frames(text)
    assert said in str(error.value)
    assert len(str(error.value)) < 400


def test_a_sparse_range_of_many_frames_is_fine() -> None:
    assert len(parse_frames("0-1000000x100")) == 10_001


@given(st.lists(numbers, unique=True, min_size=1))
def test_what_is_formatted_is_read_back_in_order(frames: list[int]) -> None:
    assert parse_frames(format_frames(frames)) == tuple(frames)


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (range(1, 251), "1-250"),
        (range(1, 100, 2), "1-99x2"),
        ((1, 2), "1-2"),
        ((1, 50), "1,50"),
        ((5, 4, 3), "5-3"),
        ((7,), "7"),
    ],
)
def test_formats_shortly(frames: tuple[int, ...], text: str) -> None:
    assert format_frames(frames) == text
