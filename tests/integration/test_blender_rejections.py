"""Files and options that no try will make work: refused with a reason the artist understands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.blender import SECONDS, start_session
from tests.support.scenes import scene_file
from worker_agent.blender import BlenderDied, BlenderSession, SceneRejected


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlenderSession]:
    with start_session(tmp_path_factory.mktemp("session")) as running:
        yield running


def rejected(session: BlenderSession, blend: Path, **options: object) -> SceneRejected:
    with pytest.raises(SceneRejected) as caught:
        session.open(blend, options, SECONDS)
    # The same session takes the next file: a refusal breaks nothing.
    assert session.open(scene_file("plain"), {}, SECONDS).scene == "Scene"
    return caught.value


@pytest.mark.parametrize(("scene", "words"), [("no_camera", "Add a camera"), ("inactive_camera", '"Spare"')])
def test_no_camera_says_what_to_do(session: BlenderSession, scene: str, words: str) -> None:
    error = rejected(session, scene_file(scene))
    assert error.code == "no_camera"
    assert "no camera" in error.reason
    assert words in error.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scene": "Third"}, ['"Third"', '"Scene"', '"Second"']),
        ({"camera": "Cam"}, ['"Cam"', '"Camera"', '"Far"']),
        ({"camera": "Cube"}, ['"Cube"', '"Camera"']),
        ({"engine": "LuxCore"}, ["LuxCore", "cycles, eevee or workbench"]),
        ({"samples": 0}, ["samples", "0"]),
        ({"resolution_percentage": "half"}, ["resolution_percentage", "half"]),
        ({"quality": "best"}, ["quality"]),
    ],
)
def test_bad_options_name_what_there_is(
    session: BlenderSession, options: dict[str, object], words: list[str]
) -> None:
    error = rejected(session, scene_file("two_scenes"), **options)
    assert all(word in error.reason for word in words), error.reason


def test_python_drivers_are_refused_with_their_list(session: BlenderSession) -> None:
    error = rejected(session, scene_file("script_drivers"))
    assert error.code == "needs_scripts"
    for expected in (
        'Cube rotation_euler[0]: "self.location.x"',
        '"bpy.app.version[0]"',
        '"my_function(frame)"',
        '"depsgraph.mode"',
        'Hidden location[2]: "bpy.data.objects[0].location.x"',
        '"rig_function()"',
    ):
        assert expected in error.reason


def test_simple_drivers_pass(session: BlenderSession) -> None:
    assert session.open(scene_file("simple_drivers"), {}, SECONDS).notes == ()


def test_a_registered_text_is_refused_by_name(session: BlenderSession) -> None:
    assert '"rig_ui.py"' in rejected(session, scene_file("registered_text")).reason


def test_a_rigid_body_cache_on_disk_is_refused_before_blender_crashes_on_it(
    session: BlenderSession,
) -> None:
    error = rejected(session, scene_file("rigid_on_disk"))
    assert error.code == "unsupported_simulation"
    assert "Disk Cache" in error.reason


def test_a_fluid_is_refused_and_ends_its_blender(tmp_path: Path) -> None:
    """Blender aborts when it lets go of a fluid: the next file must not get the blame."""
    with start_session(tmp_path) as session:
        with pytest.raises(SceneRejected, match=r'"Tank": a fluid domain.* the Blender executable can'):
            session.open(scene_file("fluid"), {}, SECONDS)
        with pytest.raises(BlenderDied):
            session.open(scene_file("plain"), {}, SECONDS)


def test_broken_files_are_named(session: BlenderSession, tmp_path: Path) -> None:
    whole = scene_file("plain").read_bytes()
    for name, content, words in (
        ("zero.blend", b"", "is empty"),
        ("text.blend", b"Dear farm, please render this.\n", "not a Blender file"),
        ("half.blend", whole[: len(whole) // 2], "incomplete"),
        ("gzip.blend", b"\x1f\x8b\x08\x00rubbish that is no gzip stream", "damaged"),
        ("zstd.blend", b"\x28\xb5\x2f\xfdrubbish that is no zstd stream", "damaged"),
        ("newer.blend", b"BLENDER17-01v0902" + whole[12:], "Blender 9.2"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        error = rejected(session, path)
        assert name in error.reason
        assert words in error.reason
        assert str(tmp_path) not in error.reason
    assert "missing.blend" in rejected(session, tmp_path / "missing.blend").reason


def test_a_missing_engine_is_not_rendered_with_another(session: BlenderSession, tmp_path: Path) -> None:
    path = tmp_path / "foreign.blend"
    whole = scene_file("plain").read_bytes()
    assert whole[:7] == b"BLENDER", "test scenes are saved uncompressed"
    path.write_bytes(whole.replace(b"CYCLES\0", b"LUXCOR\0"))
    error = rejected(session, path)
    assert error.code == "unsupported_engine"
    assert "LUXCOR" in error.reason
    assert session.open(path, {"engine": "cycles"}, SECONDS).engine == "CYCLES"
