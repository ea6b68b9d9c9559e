"""Whether the benchmark sees that a farm's frame is not raw Blender's."""

from pathlib import Path

import pytest
from PIL import Image

from bench.render.pictures import PicturesDifferError, compare, own_noise, require_same

_SIZE = (50, 40)  # 2,000 pixels: two of them are a thousandth


def put(folder: Path, *changed: tuple[int, int], size: tuple[int, int] = _SIZE, mode: str = "RGB") -> Path:
    """A gray picture with these pixels' green changed: which pixel, and by how much."""
    folder.mkdir(exist_ok=True)
    picture = Image.new(mode, size, (100,) * len(mode))
    for pixel, steps in changed:
        picture.putpixel((pixel, 0), (100, 100 + steps, 100, 100)[: len(mode)])
    picture.save(folder / "0001.png")
    return folder


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ([], True),
        ([(1, 1), (2, 1)], True),
        ([(1, 1), (2, 1), (3, 1)], False),
        ([(1, 2)], False),
        ([(1, -1)], True),
        ([(1, -2)], False),
    ],
)
def test_single_pixels_may_be_off_by_one(tmp_path: Path, changed: list[tuple[int, int]], same: bool) -> None:
    raw = [put(tmp_path / "raw"), put(tmp_path / "again")]
    ours = put(tmp_path / "ours", *changed)
    if same:
        require_same("demo", raw, "one agent", ours, frames=1)
        return
    with pytest.raises(PicturesDifferError, match="demo, frame 1: one agent and raw Blender differ"):
        require_same("demo", raw, "one agent", ours, frames=1)


def test_what_blender_itself_differs_by_is_no_difference(tmp_path: Path) -> None:
    raw = [put(tmp_path / "raw"), put(tmp_path / "again", (1, 5), (2, 5), (3, 5))]
    assert str(own_noise(raw, "0001.png")) == "3 of 2000 pixels differ, by 5/255 at most"
    require_same("demo", raw, "one agent", put(tmp_path / "alike", (7, 5), (8, 4), (9, 1)), frames=1)
    with pytest.raises(PicturesDifferError):
        require_same("demo", raw, "one agent", put(tmp_path / "worse", (7, 6)), frames=1)


def test_transparency_counts(tmp_path: Path) -> None:
    opaque, clear = put(tmp_path / "opaque"), put(tmp_path / "clear", mode="RGBA")
    assert compare(opaque / "0001.png", clear / "0001.png").steps == 155


def test_another_size_or_no_picture_is_a_difference(tmp_path: Path) -> None:
    raw, small = put(tmp_path / "raw"), put(tmp_path / "small", size=(10, 10))
    with pytest.raises(PicturesDifferError, match="pixels large"):
        require_same("demo", [raw], "one agent", small, frames=1)
    with pytest.raises(PicturesDifferError, match=r"no picture .*0002\.png"):
        require_same("demo", [raw], "one agent", raw, frames=2)
