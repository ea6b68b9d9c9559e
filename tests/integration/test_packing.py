"""What is packed is what the farm asks for: its own inspection opens the archives that are made here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from blender_asset_tracer import blendfile

from farm.packing.archive import temporary_folder, write_archive
from farm.packing.blend_file import UnreadableBlendError
from farm.packing.plan import PackError, Plan, plan
from farm.packing.reach import Lack
from tests.support.blender import SECONDS, start_session
from tests.support.projects import project
from tests.support.runtimes import executable
from worker_agent.blender import BlenderSession, SceneReport
from worker_agent.bundle import unpack

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


def look(blend: Path, scene: str | None = None) -> Plan:
    """A plan of which no file is open any more."""
    with ExitStack() as closing:
        return plan(blend, scene, closing)


def packed(blend: Path, folder: Path) -> Path:
    """The .blend in its archive, unpacked as the farm does it."""
    folder.mkdir()
    with ExitStack() as closing:
        found = plan(blend, None, closing)
        write_archive(found, folder / "scene.zip", lambda _: None)
    (folder / "project").mkdir()
    return unpack(folder / "scene.zip", folder / "project", found.entries[0].place)


def lacking(found: Plan) -> set[tuple[str, str]]:
    """Kind and path of what is missing."""
    return {(lack.kind, lack.path.replace("\\", "/")) for lack in found.missing}


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


def test_kinds_are_counted() -> None:
    kinds = look(project("everything") / "scene.blend").by_kind()
    assert {kind: count for kind, (count, _) in kinds.items()} == {
        "Alembic or USD cache": 1,
        "IES light": 1,
        "OSL script": 1,
        "UDIM image": 2,
        "font": 1,
        "image": 5,
        "image sequence": 6,
        "imported file": 1,
        "mesh cache": 1,
        "movie": 1,
        "sound": 1,
        "volume": 3,
    }
    sounds = look(project("everything") / "scene.blend").silent
    assert sounds == ()


def test_a_file_of_another_blender_is_read_as_well() -> None:
    found = look(project("everything", str(executable())) / "scene.blend")
    assert {kind: count for kind, (count, _) in found.by_kind().items()} == {
        "IES light": 1,
        "OSL script": 1,
        "UDIM image": 2,
        "font": 1,
        "image": 5,
        "image sequence": 6,
        "mesh cache": 1,
        "movie": 1,
        "sound": 1,
        "volume": 3,
    }
    assert found.missing == ()


def changed(blend: Path, code: str) -> None:
    """Run lines of Python in a Blender that has the file open."""
    program = f"import bpy, os, sys; bpy.ops.wm.open_mainfile(filepath={str(blend)!r})\n{code}\nos._exit(0)"
    env = {**os.environ, "TMPDIR": str(blend.parent)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True, timeout=SECONDS)


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


def test_caches_of_simulations_go_along_wherever_they_are(tmp_path: Path) -> None:
    """What was baked at home: fluids, simulation nodes, particles with a cache of their own, an ocean."""
    caches = tmp_path / "caches"
    baked = {
        *(
            "fluid/data/fluid_data_0001.vdb",
            "fluid/config/config_0001.uni",
            "fluid/mesh/fluid_mesh_0001.bobj.gz",
        ),
        *("nodes/1/meta/00001.json", "nodes/1/blobs/00001.blob", "points/dust_000001_00.bphys"),
        "ocean/disp_0001.exr",
    }
    for name in (*baked, "fluid/notes.txt", "nodes/notes.txt", "points/notes.txt", "ocean/notes.txt"):
        (caches / name).parent.mkdir(parents=True, exist_ok=True)
        (caches / name).write_bytes(b"baked")
    blend = Path(shutil.copytree(project("ocean"), tmp_path / "film")) / "scene.blend"
    changed(
        blend,
        f"""
from tests.support.projects import plane
plane("Water").modifiers.new("Fluid", "FLUID").fluid_type = "DOMAIN"
bpy.data.objects["Water"].modifiers[0].domain_settings.cache_directory = {str(caches / "fluid")!r}
nodes = plane("Nodes").modifiers.new("Nodes", "NODES")
nodes.bake_directory = {str(caches / "nodes")!r}
plane("Dust").modifiers.new("Dust", "PARTICLE_SYSTEM")
cache = bpy.data.objects["Dust"].particle_systems[0].point_cache
cache.use_external, cache.filepath, cache.name = True, {str(caches / "points")!r}, "dust"
bpy.data.objects["Sea"].modifiers[0].filepath = {str(caches / "ocean")!r}
bpy.ops.wm.save_mainfile()
""",
    )
    with blendfile.BlendFile(blend, mode="r+b") as file:
        (modifier,) = (block for block in file.blocks if block.dna_type_name == "OceanModifierData")
        modifier.set(b"cached", 1)
    found = look(blend)
    assert {entry.place.removeprefix("caches/") for entry in found.entries[1:]} == baked
    assert set(found.by_kind()) == {"fluid cache", "simulation cache", "point cache", "ocean cache"}
    changes = {patch.content.rstrip(b"\0") for patch in found.entries[0].patches}
    assert {change.rstrip(b"/") for change in changes} == {
        *(b"//../caches/fluid", b"//../caches/nodes", b"//../caches/points", b"//../caches/ocean")
    }


def test_packing_again_makes_the_same_archive(awkward: Path, tmp_path: Path) -> None:
    """So that an upload that broke off goes on."""
    for name in ("one", "two"):
        packed(awkward, tmp_path / name)
        os.utime(awkward)
    assert (tmp_path / "one/scene.zip").read_bytes() == (tmp_path / "two/scene.zip").read_bytes()


def test_what_a_library_has_not_is_missing(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(project("linked"), tmp_path / "linked"))
    changed(
        folder / "lib/near.blend",
        "bpy.data.objects.remove(bpy.data.objects['Near to be lost']); bpy.ops.wm.save_mainfile()",
    )
    found = look(folder / "scene.blend")
    assert found.missing == (
        Lack(
            "linked object",
            "Near to be lost",
            str(folder / "lib/near.blend"),
            'it has no object "Near to be lost"',
        ),
    )


def test_another_scene_of_the_file_needs_other_files() -> None:
    blend = project("nothing_needed") / "scene.blend"
    assert lacking(look(blend)) == set()
    assert lacking(look(blend, "Other")) == {("image", "//gone/of another scene.png")}


def test_what_cannot_be_read_or_packed_is_said(tmp_path: Path) -> None:
    for name, content in (("text.blend", b"no scene"), ("cut.blend", b"BLENDER-v405" + bytes(50))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableBlendError, match=name):
            look(tmp_path / name)
    far = Path(shutil.copytree(project("sequences"), tmp_path / "/".join(["far" * 80] * 3)))
    changed(
        far / "scene.blend",
        f"bpy.data.images['Late'].source = 'FILE'; bpy.data.images['Late'].filepath = {__file__!r}\n"
        "bpy.ops.wm.save_mainfile()",
    )
    with pytest.raises(PackError, match="expected paths of at most 800 bytes"):
        look(far / "scene.blend")


class TestTemporaryFolder:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def test_it_is_gone_after_an_interruption(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), temporary_folder() as folder:
            (folder / "half.zip").write_bytes(b"PK")
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_process_left_is_taken_away_and_what_is_in_use_is_not(self, tmp_path: Path) -> None:
        left = tmp_path / "farm-pack-left"
        left.mkdir()
        (left / "in-use").touch()
        (left / "half.zip").write_bytes(b"PK")
        with temporary_folder() as first, temporary_folder() as second:
            assert sorted(tmp_path.iterdir()) == sorted([first, second])

    def test_without_the_space_nothing_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1024))
        with ExitStack() as closing, pytest.raises(OSError, match="set TMPDIR"):
            found = plan(project("sequences") / "scene.blend", None, closing)
            write_archive(found, tmp_path / "scene.zip", lambda _: None)
        assert list(tmp_path.iterdir()) == []
