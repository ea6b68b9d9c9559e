"""What a scene needs is found and counted, and what is missing or cannot be read is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from blender_asset_tracer import blendfile

from farm.packing.blend_file import UnreadableBlendError
from farm.packing.plan import PackError
from farm.packing.reach import Lack
from tests.support.packed_projects import changed, lacking, look
from tests.support.projects import project
from tests.support.runtimes import executable


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
