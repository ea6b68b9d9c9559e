"""Object metadata becomes job options, or a reason a person understands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.frames import FrameRangeError
from contract.options import JobOptions, OptionError


def test_reads_every_option() -> None:
    options = JobOptions.from_metadata(
        {
            "Scene": "Shot%20010%20%C3%A9",
            "camera": "Cam",
            "engine": "BLENDER_EEVEE_NEXT",
            "samples": "8",
            "resolution-percentage": "25",
            "start_frame": "1",
            "end_frame": "3",
            "blender_version": "4.5.15",
            "blend": ".\\film%2Fshot 1.blend",
            "allow_missing": "Yes",
            "device": "GPU",
        }
    )
    assert options == JobOptions(
        scene="Shot 010 é",
        camera="Cam",
        engine="EEVEE",
        samples=8,
        resolution_percentage=25,
        start_frame=1,
        end_frame=3,
        blender_version="4.5.15",
        blend="film/shot 1.blend",
        allow_missing=True,
        device="gpu",
    )
    assert JobOptions.from_map(options.to_map()) == options
    assert set(options.for_blender()) == {
        "scene",
        "camera",
        "engine",
        "samples",
        "resolution_percentage",
        "device",
    }


def test_a_blender_is_a_series_or_an_exact_version() -> None:
    assert JobOptions.from_metadata({"blender_version": " 5.2 "}).blender_version == "5.2"
    assert JobOptions.from_metadata({"blender-version": "2.79"}).blender_version == "2.79"


def test_metadata_of_other_tools_is_no_option() -> None:
    assert JobOptions.from_metadata({"mtime": "1700000000.1", "s3cmd-attrs": "uid:0"}) == JobOptions()


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (
            {"smaples": "8"},
            "unknown option 'smaples' (value '8'): the options are allow_missing, allow_scripts",
        ),
        ({"samples": "many"}, "option samples is 'many': expected a whole number from 1"),
        ({"samples": "0"}, "option samples is '0'"),
        ({"samples": "8.5"}, "option samples is '8.5'"),
        ({"samples": ""}, "option samples is ''"),
        ({"resolution_percentage": "1001"}, "from 1 to 1000"),
        ({"start_frame": "10", "end_frame": "1"}, "start_frame 10 is after end_frame 1"),
        ({"start_frame": "abc"}, "option start_frame is 'abc'"),
        ({"start_frame": "1", "end_frame": "1000000"}, "more than 100000 frames"),
        ({"frames": "abc"}, "'abc' is no frame range"),
        ({"frames": "1-3", "start_frame": "1"}, "expected one of them"),
        ({"engine": "povray"}, "expected one of cycles, eevee, workbench"),
        ({"blender_version": "5"}, "option blender_version is '5': expected a Blender such as 4.5 or 4.5.15"),
        ({"blender_version": "4.5.15.1"}, "expected a Blender such as 4.5 or 4.5.15"),
        ({"blender_version": "latest"}, "expected a Blender such as 4.5 or 4.5.15"),
        ({"blender_version": "٤.٥"}, "expected a Blender such as 4.5 or 4.5.15"),
        ({"scene": ""}, "option scene is ''"),
        ({"camera": "a%00b"}, "printable"),
        ({"allow_missing": "maybe"}, "option allow_missing is 'maybe': expected yes or no"),
        ({"blend": "/film/a.blend"}, "option blend is '/film/a.blend': expected the path of a .blend inside"),
        ({"blend": "../a.blend"}, "option blend is '../a.blend'"),
        ({"blend": "C:\\film\\a.blend"}, "option blend is"),
        ({"blend": "\\\\server\\a.blend"}, "option blend is"),
        ({"blend": "film"}, "option blend is 'film'"),
    ],
)
def test_refuses_with_the_reason(metadata: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError) as error:
        JobOptions.from_metadata(metadata)
    assert said in str(error.value)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=4))
def test_any_metadata_is_read_or_refused(metadata: dict[str, str]) -> None:
    try:
        JobOptions.from_metadata(metadata)
    except OptionError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        (JobOptions(), (1, 3, 5)),
        (JobOptions(frames="2,9"), (2, 9)),
        (JobOptions(start_frame=4), (4, 5, 6)),
        (JobOptions(end_frame=2), (1, 2)),
        (JobOptions(start_frame=10, end_frame=11), (10, 11)),
    ],
)
def test_what_is_not_given_comes_from_the_scene(options: JobOptions, frames: tuple[int, ...]) -> None:
    assert options.frames_of(scene_start=1, scene_end=6, scene_step=2) == frames


def test_a_start_after_the_scenes_end_is_refused() -> None:
    with pytest.raises(FrameRangeError, match="start_frame 9 is after end_frame 6"):
        JobOptions(start_frame=9).frames_of(scene_start=1, scene_end=6, scene_step=1)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (JobOptions(), {}),
        (JobOptions(frames="5,1-2"), {"frames": [5, 1, 2]}),
        (JobOptions(start_frame=4), {"first": 4}),
        (JobOptions(start_frame=4, end_frame=9), {"first": 4, "last": 9}),
    ],
)
def test_what_is_asked_of_the_frames_is_known_before_the_file_is_opened(
    options: JobOptions, asked: dict[str, int]
) -> None:
    assert options.asked_frames() == asked


@pytest.mark.parametrize("answer", ["yes", "TRUE", "1", "no", "False", "0"])
def test_yes_and_no_in_several_ways(answer: str) -> None:
    wanted = answer.lower() in ("yes", "true", "1")
    assert JobOptions.from_metadata({"allow-missing": answer}).allow_missing is wanted


def test_the_choice_of_a_scene_is_for_archives() -> None:
    options = JobOptions(blend="a.blend")
    for name in ("film.zip", "film.TAR.GZ", "film.tgz"):
        options.check_upload(name)
    with pytest.raises(OptionError, match=r"but film\.blend is no archive"):
        options.check_upload("film.blend")
    JobOptions().check_upload("film.blend")
