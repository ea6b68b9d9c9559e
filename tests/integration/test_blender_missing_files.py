"""What a scene needs and does not have is found before it is rendered, and nothing else is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from blender_asset_tracer import blendfile

from tests.support.blender import SECONDS, start_session
from tests.support.projects import project
from tests.support.runtimes import executable
from tests.support.scenes import scene_file
from worker_agent.blender import BlenderSession, SceneRejected, SceneReport


@dataclass(frozen=True)
class Inspector:
    """A Blender, and projects in its own format."""

    blender: str
    session: BlenderSession

    def copy(self, name: str, folder: Path) -> Path:
        """A project that may be changed; returns its .blend."""
        return Path(shutil.copytree(project(name, self.blender), folder / name)) / "scene.blend"

    def look(self, blend: Path, **asked: object) -> SceneReport:
        return self.session.open(blend, {}, SECONDS, asked_frames=asked)

    def missing(self, blend: Path, **asked: object) -> list[tuple[str, str, str]]:
        return [(file.kind, file.name, file.detail) for file in self.look(blend, **asked).missing_files]

    def change(self, blend: Path, code: str) -> None:
        """Run lines of Python in a Blender that has the file open, and save it."""
        program = (
            f"import bpy, os, sys; bpy.ops.wm.open_mainfile(filepath={str(blend)!r})\n{code}\n"
            "bpy.ops.wm.save_mainfile(compress=False); sys.stdout.flush(); os._exit(0)"
        )
        flags = ["--background", "--factory-startup", "--python-exit-code", "3", "--python-expr"]
        command = [self.blender, *(flags if self.blender != sys.executable else ["-c"]), program]
        env = {**os.environ, "TMPDIR": str(blend.parents[1])}
        subprocess.run(command, env=env, check=True, capture_output=True, timeout=SECONDS)


@pytest.fixture(scope="module", params=["bpy", "executable"])
def inspector(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inspector]:
    blender = sys.executable if request.param == "bpy" else str(executable())
    with start_session(tmp_path_factory.mktemp("session"), blender) as session:
        yield Inspector(blender, session)


def test_all_there(inspector: Inspector) -> None:
    report = inspector.look(project("everything", inspector.blender) / "scene.blend")
    assert (report.missing_files, report.missing_file_count, report.notes) == ((), 0, ())


def test_every_kind_is_found_when_it_is_gone(inspector: Inspector, tmp_path: Path) -> None:
    blend = inspector.copy("everything", tmp_path)
    shutil.rmtree(blend.parent / "files")
    report = inspector.look(blend)
    found = {(file.kind, file.name, file.path) for file in report.missing_files}
    expected = {
        ("image", "Sky", "//files/sky.png"),
        ("image", "Wood", "//files/wood.png"),
        ("image", "In a group", "//files/group.png"),
        ("image", "Waves", "//files/waves.png"),
        ("image", "Backdrop", "//files/backdrop.png"),
        ("image sequence", "Fire", "//files/fire/fire_0001.png"),
        ("movie", "Movie", "//files/movie.mp4"),
        ("UDIM image", "Tiles", "//files/tiles.<UDIM>.png"),
        ("font", "Title", "//files/title.woff2"),
        ("volume", "Cloud", "//files/cloud.vdb"),
        ("volume", "Smoke", "//files/smoke/smoke_0003.vdb"),
        ("mesh cache", "Cached", "//files/points.pc2"),
        ("IES light", "Lamp, IES Texture", "//files/lamp.ies"),
        ("OSL script", "Lamp, Script", "//files/glow.osl"),
    }
    # Debian builds Blender without Alembic, and 3.4 has no such node
    newer = {
        ("Alembic or USD cache", "Birds", "//files/birds.abc"),
        ("imported file", "Scan, Import", "//files/scan.ply"),
    }
    assert found == expected | (newer if inspector.blender == sys.executable else set())
    assert report.missing_file_count == len(found)
    assert report.notes == (
        'The sound "music.wav" is missing (//files/music.wav); no picture depends on it.',
    )


def test_one_file_of_several_is_named(inspector: Inspector, tmp_path: Path) -> None:
    blend = inspector.copy("everything", tmp_path)
    for name in ("fire/fire_0004.png", "fire/fire_0005.png", "smoke/smoke_0004.vdb", "tiles.1012.png"):
        (blend.parent / "files" / name).unlink()
    assert inspector.missing(blend) == [
        ("image sequence", "Fire", "2 of 6 files, such as fire_0004.png"),
        ("UDIM image", "Tiles", "1 of 2 files, such as tiles.1012.png"),
        ("volume", "Smoke", "1 of 2 files, such as smoke_0004.vdb"),
    ]
    assert inspector.missing(blend, frames=[6, 1]) == [
        ("UDIM image", "Tiles", "1 of 2 files, such as tiles.1012.png"),
    ], "the frames asked for need neither"


def test_what_is_not_read_is_not_asked_for(inspector: Inspector) -> None:
    report = inspector.look(project("nothing_needed", inspector.blender) / "scene.blend")
    assert report.missing_files == ()


def test_a_hidden_object_that_may_be_shown_later_needs_its_files(
    inspector: Inspector, tmp_path: Path
) -> None:
    """The same scene, where the hiding is animated or another collection shows the object."""
    blend = inspector.copy("nothing_needed", tmp_path)
    inspector.change(
        blend,
        """
bpy.data.objects["Never rendered"].keyframe_insert("hide_render", frame=1)
bpy.context.view_layer.layer_collection.children["Excluded"].exclude = False
bpy.data.collections["Hidden"].hide_render = False
images = [n for m in bpy.data.materials if m.node_tree for n in m.node_tree.nodes if n.type == "TEX_IMAGE"]
next(node for node in images if node.mute).mute = False
""",
    )
    assert {name for _, name, _ in inspector.missing(blend)} == {
        "of a hidden object",
        "of the collection Excluded",
        "of the collection Hidden",
        "of a muted node",
    }


class TestSequences:
    def test_offset_length_and_repetition_are_followed(self, inspector: Inspector, tmp_path: Path) -> None:
        blend = inspector.copy("sequences", tmp_path)
        assert inspector.missing(blend) == []
        (blend.parent / "fire/fire_0003.png").unlink()
        (blend.parent / "fire/fire_0012.png").unlink()
        assert inspector.missing(blend) == [
            ("image sequence", "Cyclic", "1 of 3 files, such as fire_0012.png"),
            ("image sequence", "Late", "1 of 2 files, such as fire_0003.png"),
            ("image sequence", "Straight", "1 of 4 files, such as fire_0003.png"),
        ]

    @pytest.mark.parametrize(
        ("asked", "lacking"),
        [
            ({"frames": [2]}, ["Cyclic"]),
            ({"frames": [3, 4]}, []),
            ({"first": 3, "last": 4}, []),
            ({"first": 5}, ["Cyclic", "Late"]),
            ({"frames": [60]}, []),
            ({"frames": [62]}, ["Cyclic"]),
        ],
    )
    def test_only_the_frames_asked_for_count(
        self, asked: dict[str, object], lacking: list[str], inspector: Inspector, tmp_path: Path
    ) -> None:
        blend = inspector.copy("sequences", tmp_path)
        (blend.parent / "fire/fire_0003.png").unlink()
        (blend.parent / "fire/fire_0012.png").unlink()
        assert [name for _, name, _ in inspector.missing(blend, **asked)] == lacking

    def test_where_the_frames_cannot_be_told_one_file_will_do(
        self, inspector: Inspector, tmp_path: Path
    ) -> None:
        blend = inspector.copy("sequences", tmp_path)
        for path in (blend.parent / "fire").iterdir():
            path.unlink()
        found = {name: detail for _, name, detail in inspector.missing(blend)}
        assert found["Driven"] == "not one of its files"
        inspector.change(blend, "bpy.context.scene.render.frame_map_new = 200")
        assert {detail for _, _, detail in inspector.missing(blend)} == {"not one of its files"}
        (blend.parent / "fire/fire_0099.png").touch()
        assert inspector.missing(blend) == []

    def test_a_driver_makes_the_frames_unknown(self, inspector: Inspector, tmp_path: Path) -> None:
        blend = inspector.copy("sequences", tmp_path)
        inspector.change(
            blend,
            """
bpy.data.images["Straight"].filepath = "//smoke/smoke_0001.png"
tree = bpy.data.materials["Straight material"].node_tree
tree.nodes["Image Texture"].image_user.driver_add("frame_offset")
tree.animation_data.drivers[0].driver.expression = "frame"
""",
        )
        assert inspector.missing(blend) == [("image sequence", "Straight", "not one of its files")]


class TestLibraries:
    def test_a_library_that_is_gone(self, inspector: Inspector, tmp_path: Path) -> None:
        blend = inspector.copy("linked", tmp_path)
        assert inspector.missing(blend) == []
        shutil.rmtree(blend.parent / "lib")
        assert inspector.missing(blend) == [("library", "near.blend", "")], "once, and not what it would have"

    def test_a_librarys_own_library(self, inspector: Inspector, tmp_path: Path) -> None:
        blend = inspector.copy("linked", tmp_path)
        (blend.parent / "lib/deep/deep.blend").unlink()
        (file,) = inspector.look(blend).missing_files
        assert (file.kind, file.name, file.path) == ("library", "deep.blend", "//lib/deep/deep.blend")

    def test_textures_of_libraries_lie_beside_them(self, inspector: Inspector, tmp_path: Path) -> None:
        blend = inspector.copy("linked", tmp_path)
        for name in ("lib/near.png", "lib/deep/deep.png"):
            (blend.parent / name).rename(blend.parent / Path(name).name)
        assert [name for _, name, _ in inspector.missing(blend)] == ["Deep picture", "Near picture"]

    @pytest.mark.parametrize("damaged", [False, True])
    def test_an_object_that_a_library_has_no_more(
        self, damaged: bool, inspector: Inspector, tmp_path: Path
    ) -> None:
        blend = inspector.copy("linked", tmp_path)
        near = blend.parent / "lib/near.blend"
        near.write_bytes(b"no scene" if damaged else (blend.parent / "lib/deep/deep.blend").read_bytes())
        assert sorted(inspector.missing(blend)) == [
            ("linked object", "Near", 'it has no object "Near"'),
            ("linked object", "Near to be lost", 'it has no object "Near to be lost"'),
            ("linked volume", "Mist", 'it has no volume "Mist"'),
        ]


def test_paths_of_windows_and_of_nowhere(inspector: Inspector) -> None:
    """They are in the file with backslashes, which Blender turns as it reads them."""
    blend = project("paths", inspector.blender) / "scene.blend"
    assert b"C:\\maps\\wood.png" in blend.read_bytes()
    report = inspector.look(blend)
    assert {(file.name, file.path, file.detail) for file in report.missing_files} == {
        ("Absolute", "/nowhere/wood.png", ""),
        ("Drive", "C:/maps/wood.png", ""),
        ("Nameless", "", ""),
        ("Network", "\\\\server/maps/wood.png", ""),
        ("Other letters", "//maps/stone.png", 'there is "Stone.PNG", which is not the same'),
        ("Outside", "//../../maps/wood.png", ""),
    }


def test_of_an_edit_only_the_strips_that_are_shown_count(inspector: Inspector, tmp_path: Path) -> None:
    blend = inspector.copy("strips", tmp_path)
    assert inspector.missing(blend) == []
    shutil.rmtree(blend.parent / "shots")
    everything = ("image strip", "Pictures", "6 of 6 files, such as shot_0001.png")
    sky, film = ("image", "Other sky", ""), ("movie strip", "Film", "")
    assert sorted(inspector.missing(blend)) == sorted([sky, everything, film])
    assert film in inspector.missing(blend, frames=[3, 4])
    assert film not in inspector.missing(blend, frames=[2, 50])
    assert inspector.missing(blend, frames=[2]) == [sky, ("image strip", "Pictures", "shot_0002.png")]
    assert inspector.missing(blend, frames=[50]) == [sky, ("image strip", "Late", "late.png")]
    inspector.change(
        blend,
        """
editor = bpy.context.scene.sequence_editor
every = editor.strips if hasattr(editor, "strips") else editor.sequences
every["Pictures"].use_reverse_frames = True
editor.channels[every["Late"].channel].mute = True
every["Film"].mute = True
""",
    )
    assert inspector.missing(blend, frames=[2, 50]) == [sky, ("image strip", "Pictures", "shot_0005.png")]


def test_footage_whose_size_counts_is_needed(inspector: Inspector, tmp_path: Path) -> None:
    blend = inspector.copy("footage", tmp_path)
    shutil.rmtree(blend.parent / "tracked")
    inspector.change(
        blend,
        """
item = bpy.data.objects.new("Follower", None)
bpy.context.scene.collection.objects.link(item)
follow = item.constraints.new("FOLLOW_TRACK")
follow.use_active_clip, follow.clip, follow.frame_method = False, bpy.data.movieclips["tracked"], "FIT"
""",
    )
    assert [name for _, name, _ in inspector.missing(blend)] == ["tracked"]


def test_footage_that_is_only_tracked_is_not_needed(inspector: Inspector, tmp_path: Path) -> None:
    blend = inspector.copy("footage", tmp_path)
    assert inspector.missing(blend) == []
    shutil.rmtree(blend.parent / "shown")
    shutil.rmtree(blend.parent / "tracked")
    assert inspector.missing(blend, first=2, last=3) == [
        ("movie clip", "shown", "2 of 2 files, such as shown_0002.png")
    ]


def test_an_ocean_that_says_it_has_a_cache_must_have_it(inspector: Inspector, tmp_path: Path) -> None:
    blend = inspector.copy("ocean", tmp_path)
    cache = blend.parent / "waves/disp_0001.exr"
    with blendfile.BlendFile(blend, mode="r+b") as file:
        (modifier,) = (block for block in file.blocks if block.dna_type_name == "OceanModifierData")
        modifier.set(b"cached", 1)
    assert inspector.missing(blend) == []
    cache.unlink()
    assert inspector.missing(blend) == [("ocean cache", "Sea", "not one of its files")]


def test_files_are_looked_for_when_asked(inspector: Inspector, tmp_path: Path) -> None:
    """Each worker opens the scene, and one of them has looked."""
    blend = inspector.copy("everything", tmp_path)
    shutil.rmtree(blend.parent / "files")
    report = inspector.session.open(blend, {}, SECONDS)
    assert (report.missing_files, report.missing_file_count) == ((), 0)


def test_a_missing_camera_and_what_else_is_missing_are_told_together(
    inspector: Inspector, tmp_path: Path
) -> None:
    """The camera may be in the library that is gone."""
    blend = inspector.copy("linked", tmp_path)
    shutil.rmtree(blend.parent / "lib")
    inspector.change(blend, "bpy.data.objects.remove(bpy.data.objects['Camera'])")
    with pytest.raises(SceneRejected) as caught:
        inspector.look(blend)
    assert caught.value.code == "no_camera"
    assert caught.value.reason.endswith("Besides, files that it needs are missing: //lib/near.blend.")


def test_all_scenes_of_the_file_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "foreign.blend"
    path.write_bytes(scene_file("two_scenes").read_bytes().replace(b"CYCLES\0", b"LUXCOR\0"))
    with start_session(tmp_path) as session:
        report = session.open(path, {"engine": "cycles"}, SECONDS)
    assert [(scene.name, scene.frame_start, scene.frame_end, scene.engine) for scene in report.scenes] == [
        ("Scene", 1, 6, "LUXCOR"),
        ("Second", 1, 77, "LUXCOR"),
    ]
    assert {(scene.file_format, scene.camera, scene.frame_step) for scene in report.scenes} == {
        ("PNG", "Camera", 1)
    }
