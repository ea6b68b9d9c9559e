"""What a real Blender session renders, and where its files end up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support.blender import SECONDS, render, same_picture, start_session
from tests.support.blender_children import run_in_blender
from tests.support.scenes import scene_file
from worker_agent.blender import BlenderFailed, BlenderSession


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlenderSession]:
    with start_session(tmp_path_factory.mktemp("session")) as running:
        yield running


def test_any_order_gives_the_pictures_of_one_range(session: BlenderSession, tmp_path: Path) -> None:
    session.open(scene_file("plain"), {}, SECONDS)
    in_range = render(session, [1, 2, 3, 4, 5, 6], tmp_path / "range")
    at_random = render(session, [5, 2, 6, 1, 3, 4], tmp_path / "random")
    assert [done.frame for done in in_range] == [1, 2, 3, 4, 5, 6]
    assert [done.frame for done in at_random] == [5, 2, 6, 1, 3, 4]
    for frame in range(1, 7):
        name = f"{frame:04d}.png"
        assert same_picture(tmp_path / "range" / name, tmp_path / "random" / name), name
    assert not same_picture(tmp_path / "range/0001.png", tmp_path / "range/0006.png")


def test_each_frame_names_its_file_its_seconds_and_its_own_log(
    session: BlenderSession, tmp_path: Path
) -> None:
    session.open(scene_file("plain"), {}, SECONDS)
    done = render(session, [2, 4, 6, 12345], tmp_path)
    assert [frame.files for frame in done] == [("0002.png",), ("0004.png",), ("0006.png",), ("12345.png",)]
    for frame in done:
        assert 0 < frame.seconds < SECONDS
        assert f"Fra:{frame.frame} " in frame.log
        assert frame.files[0] in frame.log
        others = {2, 4, 6, 12345} - {frame.frame}
        assert not any(f"Fra:{other} " in frame.log for other in others)


def test_a_leftover_file_is_replaced(session: BlenderSession, tmp_path: Path) -> None:
    session.open(scene_file("plain"), {}, SECONDS)
    (tmp_path / "0001.png").write_bytes(b"half a picture")
    assert render(session, [1], tmp_path)[0].files == ("0001.png",)
    with Image.open(tmp_path / "0001.png") as picture:
        assert picture.size == (32, 32)


def test_file_output_nodes_stay_in_the_folder_and_are_listed(session: BlenderSession, tmp_path: Path) -> None:
    session.open(scene_file("file_output"), {}, SECONDS)
    output = tmp_path / "out"
    done = render(session, [1, 2], output)
    assert done[0].files == (
        "0001.png",
        "_Passes_main/farm_escape/image_001.png",
        "node 0001.png/Image0001.png",
    )
    assert done[1].files[1] == "_Passes_main/farm_escape/image_002.png"
    written = {path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file()}
    assert written == set(done[0].files) | set(done[1].files)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert not list(Path("/").glob("farm_escape*"))


def test_stereo_gives_both_eyes(session: BlenderSession, tmp_path: Path) -> None:
    session.open(scene_file("stereo"), {}, SECONDS)
    assert render(session, [3], tmp_path)[0].files == ("0003_L.png", "0003_R.png")
    assert not same_picture(tmp_path / "0003_L.png", tmp_path / "0003_R.png")


def test_a_video_becomes_a_png_sequence(session: BlenderSession, tmp_path: Path) -> None:
    report = session.open(scene_file("video"), {}, SECONDS)
    assert (report.file_format, report.extension) == ("PNG", ".png")
    assert any("FFMPEG" in note for note in report.notes)
    assert [done.files for done in render(session, [1, 2], tmp_path)] == [("0001.png",), ("0002.png",)]
    with Image.open(tmp_path / "0002.png") as picture:
        assert picture.format == "PNG"


def test_the_scenes_own_format_holds(session: BlenderSession, tmp_path: Path) -> None:
    assert session.open(scene_file("jpeg"), {}, SECONDS).extension == ".jpg"
    assert render(session, [1], tmp_path)[0].files == ("0001.jpg",)


def test_options_change_size_samples_and_engine(session: BlenderSession, tmp_path: Path) -> None:
    options = {"resolution_percentage": 50, "samples": 3, "engine": "Cycles"}
    report = session.open(scene_file("plain"), options, SECONDS)
    assert (report.width, report.height, report.engine) == (16, 16, "CYCLES")
    done = render(session, [1], tmp_path)
    assert "Sample 3/3" in done[0].log
    with Image.open(tmp_path / "0001.png") as picture:
        assert picture.size == (16, 16)
    for name, engine in (("EEVEE", "BLENDER_EEVEE"), ("workbench", "BLENDER_WORKBENCH")):
        assert session.open(scene_file("plain"), {"engine": name}, SECONDS).engine.startswith(engine)


def test_a_camera_given_wins_over_marker_cameras(session: BlenderSession, tmp_path: Path) -> None:
    session.open(scene_file("marker_camera"), {}, SECONDS)
    render(session, [4], tmp_path / "markers")
    report = session.open(scene_file("marker_camera"), {"camera": "Near"}, SECONDS)
    assert report.camera == "Near"
    render(session, [4], tmp_path / "near")
    session.open(scene_file("marker_camera"), {"camera": "Far"}, SECONDS)
    render(session, [4], tmp_path / "far")
    assert same_picture(tmp_path / "markers/0004.png", tmp_path / "far/0004.png")
    assert not same_picture(tmp_path / "near/0004.png", tmp_path / "far/0004.png")


def test_another_scene_can_be_chosen(session: BlenderSession, tmp_path: Path) -> None:
    report = session.open(scene_file("two_scenes"), {"scene": "Second", "camera": "Far"}, SECONDS)
    assert (report.scene, report.frame_end, report.camera) == ("Second", 77, "Far")
    assert render(session, [2], tmp_path)[0].files == ("0002.png",)


def test_a_frame_that_cannot_be_written_fails_and_the_next_one_works(
    session: BlenderSession, tmp_path: Path
) -> None:
    session.open(scene_file("plain"), {}, SECONDS)
    (tmp_path / "0002.png").mkdir()
    finished = []
    with pytest.raises(BlenderFailed) as caught:
        for done in session.render([1, 2, 3], tmp_path, SECONDS):
            finished.append(done.frame)
    assert finished == [1]
    assert caught.value.frame == 2
    assert caught.value.code in {"cannot_write", "no_output"}
    assert "frame 2" in caught.value.reason
    assert render(session, [3], tmp_path)[0].files == ("0003.png",)


def test_a_frame_that_blender_does_not_know_is_refused(session: BlenderSession, tmp_path: Path) -> None:
    session.open(scene_file("plain"), {}, SECONDS)
    with pytest.raises(BlenderFailed, match="cannot render frame -3") as caught:
        render(session, [-3], tmp_path)
    assert caught.value.frame == -3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("volume", "keeps"), [("none", "True"), ("volume", "False")])
def test_data_are_kept_between_frames_but_for_volumes_whatever_was_saved(
    tmp_path: Path, volume: str, keeps: str
) -> None:
    """In Blender 5 smoke that has ended lingers otherwise."""
    run_in_blender("tests.support.kept_data_scene", str(tmp_path), volume)
    assert (tmp_path / "0001.png").is_file()
    assert (tmp_path / "kept").read_text() == keeps
