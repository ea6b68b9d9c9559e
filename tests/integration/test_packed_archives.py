"""What is packed is what the farm asks for: its own inspection opens the archives that are made here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.blender import SECONDS, start_session
from tests.support.packed_projects import changed, lacking, look, packed
from tests.support.projects import project
from worker_agent.blender import BlenderSession, SceneReport

PROJECTS = ("everything", "sequences", "linked", "strips", "footage", "paths", "nothing_needed")
ASKED_HERE_ONLY = {
    # in the scene beneath its edit; after the frames that are rendered
    "strips": {"//gone/beneath.png", "//shots/late.png"},
    # only a camera solver knows it, which reads its tracks
    "footage": {"//tracked/tracked_0001.png"},
}
"""Data alone do not say that these are of no use: they are asked for here, and not by the farm."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlenderSession]:
    with start_session(tmp_path_factory.mktemp("session")) as session:
        yield session


def inspect(session: BlenderSession, blend: Path) -> SceneReport:
    return session.open(blend, {}, SECONDS, asked_frames={})


@pytest.mark.parametrize("name", PROJECTS)
def test_the_farm_finds_in_the_archive_whatever_the_scene_needs(
    session: BlenderSession, name: str, tmp_path: Path
) -> None:
    at_home = project(name) / "scene.blend"
    before = at_home.read_bytes()
    there = inspect(session, packed(at_home, tmp_path / "farm"))
    here = inspect(session, at_home)
    assert [(file.kind, file.path) for file in there.missing_files] == [
        (file.kind, file.path) for file in here.missing_files
    ]
    assert there.notes == here.notes
    assert at_home.read_bytes() == before


@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_missing_here_is_what_the_farm_calls_missing(
    session: BlenderSession, name: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(project(name), tmp_path / name))
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    report = inspect(session, folder / "scene.blend")
    asked = {(file.kind, file.path.replace("\\", "/")) for file in report.missing_files}
    asked.discard(("OSL script", "//files/glow.osl"))  # asked for only by what the scene's settings say
    found = lacking(look(folder / "scene.blend"))
    assert {path for _, path in found - asked} == ASKED_HERE_ONLY.get(name, set())
    assert asked <= found


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The linked project with absolute paths everywhere, links to folders, and files of the same name,
    compressed; its images numbered in the middle of their names, a cache beside it, and tiles by column.
    """
    root = tmp_path_factory.mktemp("awkward")
    folder = Path(shutil.copytree(project("linked"), root / "film ü"))
    (root / "maps 日本").mkdir()
    (root / "maps").symlink_to(root / "maps 日本")
    for name in ("near.png", "shot.0001.left.png", "shot.0002.left.png", "tile_u1_v1.png", "tile_u2_v1.png"):
        shutil.copy(folder / "lib/near.png", root / "maps" / name)
    (folder / "blendcache_scene").mkdir()
    (folder / "blendcache_scene/43_000001_00.bphys").write_bytes(b"cache")
    code = f"""
from tests.support.projects import image_of, plane, with_picture
with_picture(plane("Same"), image_of("Same name", {str(root / "maps/near.png")!r}))
image = image_of("Middle", {str(root / "maps/shot.0001.left.png")!r}, "SEQUENCE")
with_picture(plane("Middle"), image).image_user.frame_duration = 2
tiles = image_of("Tiles", {str(root / "maps/tile_<UVTILE>.png")!r}, "TILED")
tiles.tiles.new(1002)
with_picture(plane("Tiles"), tiles)
bpy.data.libraries["near.blend"].filepath = {str(folder / "lib/near.blend")!r}
bpy.ops.wm.save_mainfile(compress=True)
"""
    changed(folder / "scene.blend", code)
    changed(
        folder / "lib/near.blend",
        f"""
bpy.data.images["Near picture"].filepath = {str(folder / "lib/near.png")!r}
bpy.data.libraries["deep.blend"].filepath = {str(folder / "lib/deep/deep.blend")!r}
bpy.ops.wm.save_mainfile(compress=True)
""",
    )
    return folder / "scene.blend"


def test_absolute_paths_and_links_lead_into_the_archive(
    session: BlenderSession, awkward: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in awkward.parent.rglob("*.blend")}
    there = packed(awkward, tmp_path / "farm")
    home = awkward.parents[1].rename(awkward.parents[1].with_name("gone"))
    try:
        report = inspect(session, there)
    finally:
        home.rename(awkward.parents[1])
    assert [str(file) for file in report.missing_files] == []
    files = {str(path.relative_to(tmp_path / "farm/project")) for path in there.parents[1].rglob("*.*")}
    assert files == {
        *("film ü/scene.blend", "film ü/lib/near.blend", "film ü/lib/near.png", "film ü/lib/mist.vdb"),
        *("film ü/lib/deep/deep.blend", "film ü/lib/deep/deep.png"),
        "film ü/blendcache_scene/43_000001_00.bphys",
        *("maps/near.png", "maps/shot.0001.left.png", "maps/shot.0002.left.png"),
        *("maps/tile_u1_v1.png", "maps/tile_u2_v1.png"),
    }
    assert {path: path.read_bytes() for path in before} == before


def test_packing_again_makes_the_same_archive(awkward: Path, tmp_path: Path) -> None:
    """So that an upload that broke off goes on."""
    for name in ("one", "two"):
        packed(awkward, tmp_path / name)
        os.utime(awkward)
    assert (tmp_path / "one/scene.zip").read_bytes() == (tmp_path / "two/scene.zip").read_bytes()
