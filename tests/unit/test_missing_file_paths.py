"""Where Blender looks for a file, and which file of a sequence it reads: the parts that need no Blender."""

from pathlib import Path

import pytest

from worker_agent.blender.inside.missing_files.paths import Folders, number_in, numbered, resolve, tile
from worker_agent.blender.inside.missing_files.timing import ImageTiming, volume_numbers


@pytest.mark.parametrize(
    ("stored", "path"),
    [
        ("//wood.png", "/p/film/wood.png"),
        ("//maps\\wood.png", "/p/film/maps/wood.png"),
        ("//..\\maps/wood.png", "/p/maps/wood.png"),
        ("/abs/wood.png", "/abs/wood.png"),
        ("C:\\maps\\wood.png", "/c/maps/wood.png"),
        ("c:/maps/wood.png", "/c/maps/wood.png"),
        ("\\\\server\\maps\\wood.png", "//server/maps/wood.png"),
        ("wood.png", "wood.png"),
        ("", ""),
    ],
)
def test_a_path_leads_where_blender_on_linux_looks(stored: str, path: str) -> None:
    assert resolve(stored, "/p/film") == path


@pytest.mark.parametrize(
    ("path", "number", "becomes"),
    [
        ("/p/a_0001.png", 12, "/p/a_0012.png"),
        ("/p/v2_shot.0010.b.exr", 3, "/p/v2_shot.0003.b.exr"),
        ("/p/a_0001.png", 123456, "/p/a_123456.png"),
        ("/p/a_0001.png", -3, "/p/a_0000.png"),
        ("/p9/alone.png", 5, "/p9/alone5.png"),
        ("/p9/alone.png", 0, "/p9/alone.png"),
        ("0007", 8, "0008"),
    ],
)
def test_the_number_in_a_name_is_replaced_as_blender_does_it(path: str, number: int, becomes: str) -> None:
    assert numbered(path, number) == becomes


def test_volumes_and_caches_count_only_at_the_end() -> None:
    assert numbered("/p/smoke_0001.vdb", 4, True) == "/p/smoke_0004.vdb"
    assert numbered("/p/smoke_0001_v.vdb", 4, True) == "/p/smoke_0001_v.vdb"
    assert [number_in(path) for path in ("/p7/a_0012.png", "/p7/a.png")] == [12, 0]


def test_tiles_in_both_spellings() -> None:
    assert tile("/a.<UDIM>.png", 1012) == "/a.1012.png"
    assert tile("/a_<UVTILE>.png", 1001) == "/a_u1_v1.png"
    assert tile("/a_<UVTILE>.png", 1012) == "/a_u2_v2.png"


@pytest.mark.parametrize(
    ("timing", "frames", "numbers"),
    [
        (ImageTiming(1, 6, 0, False), [-1, 0, 1, 2, 9], [1, 2, 6]),
        (ImageTiming(2, 3, 1, False), [1, 2, 3, 5, 9], [2, 3, 4]),
        (ImageTiming(2, 3, 1, True), [-1, 0, 1], [2, 3, 4]),
        (ImageTiming(2, 3, 1, True), [2, 5], [2]),
        (ImageTiming(1, 0, 0, True), [1], []),
        (ImageTiming(1, 100, 0, False), [60], [60]),
    ],
)
def test_files_of_an_image_sequence(timing: ImageTiming, frames: list[int], numbers: list[int]) -> None:
    """The numbers are those that Blender 3.4, 4.5 and 5.2 rendered."""
    assert timing.numbers(frames) == numbers


@pytest.mark.parametrize(
    ("mode", "numbers"),
    [("CLIP", [11, 12, 13]), ("EXTEND", [11, 12, 13]), ("REPEAT", [11, 12, 13]), ("PING_PONG", [11, 12, 13])],
)
def test_files_of_a_volume_sequence(mode: str, numbers: list[int]) -> None:
    def of(frame: int) -> list[int]:
        return volume_numbers([frame], start=5, duration=3, offset=10, mode=mode)

    assert volume_numbers(list(range(5, 8)), start=5, duration=3, offset=10, mode=mode) == numbers
    before, after, later = {
        "CLIP": ([], [], []),
        "EXTEND": ([11], [13], [13]),
        "REPEAT": ([13], [11], [12]),
        "PING_PONG": ([12], [12], [11]),
    }[mode]
    assert (of(4), of(8), of(9)) == (before, after, later)
    assert volume_numbers([1], start=1, duration=0, offset=0, mode=mode) == []


def test_a_folder_is_looked_into_once(tmp_path: Path) -> None:
    (tmp_path / "a_0007.png").touch()
    (tmp_path / "Wood.PNG").touch()
    (tmp_path / "maps").mkdir()
    folders = Folders()
    assert folders.has(f"{tmp_path}/a_0007.png")
    (tmp_path / "a_0007.png").unlink()
    assert folders.has(f"{tmp_path}/a_0007.png")
    assert not folders.has(f"{tmp_path}/wood.png")
    assert folders.has_other_case(f"{tmp_path}/wood.png") == "Wood.PNG"
    assert not folders.has(f"{tmp_path}/maps"), "a folder is no file"
    assert folders.has_any_like(f"{tmp_path}/a_0001.png")
    assert not folders.has_any_like(f"{tmp_path}/b_0001.png")
    assert not folders.has(f"{tmp_path}/nowhere/a.png")
    assert not folders.has("bad\0name/a.png")
    assert not folders.has("")
