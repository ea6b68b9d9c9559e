"""Every kind of simulation, baked once: any frame alone looks as if all frames before had been played."""

from pathlib import Path

import pytest

from tests.support.blender import SECONDS, same_picture
from tests.support.runtimes import executable, run_script, series_5_2
from tests.support.simulations import (
    FLUIDS,
    FRESH_REPLAY,
    LAST,
    MODULE,
    bake,
    session,
    simulated_scene,
    stepped,
)
from worker_agent.blender import SceneRejected

MIDDLE = 7
SHOWN = """
for item in [*bpy.data.objects, *bpy.data.collections]: item.hide_viewport = False
for item in bpy.data.objects:
    for modifier in item.modifiers: modifier.show_viewport = True
"""
FINE = "bpy.data.objects['Fine'].modifiers[0].levels = 2"
IN_FIRST_LAYER = "bpy.context.scene.view_layers[0].layer_collection.children['Shelf'].exclude = False"
PAINT = """
import bpy, os, sys, time
bpy.ops.wm.open_mainfile(filepath=sys.argv[-1])
canvas = bpy.data.objects["Canvas"]
folder = bpy.path.abspath("//paint")
with bpy.context.temp_override(object=canvas, active_object=canvas): bpy.ops.dpaint.bake()
while not os.path.isdir(folder) or len(os.listdir(folder)) < 12: time.sleep(0.1)
time.sleep(2)
os._exit(0)
"""
"""In a process of its own: it paints in a thread, and whatever is opened or shown after it crashes often."""
PAINTED = 'bpy.data.images["Paint"].reload()'

SCENES = [
    ("every_kind", ""),
    ("hidden_in_viewport", SHOWN),
    ("other_subdivision", FINE),
    ("other_layer", ""),
    ("other_scene", ""),
    ("linked", ""),
    ("linked_zone", ""),
    ("two_caches_of_one_object", ""),
    ("shared_zone_folder", ""),
    ("bake_node", ""),
    ("zone_in_other_layer", IN_FIRST_LAYER),
]


@pytest.mark.parametrize(("name", "prepare"), SCENES, ids=[name for name, _ in SCENES])
def test_any_frame_alone_equals_stepping_through(name: str, prepare: str, tmp_path: Path) -> None:
    """Without the bake none of them does: the last picture differs then."""
    source = simulated_scene(name, tmp_path / "source")
    stepped(source, tmp_path / "stepped", [MIDDLE, LAST], prepare=prepare)
    bake(simulated_scene(name, tmp_path / "project"), render=[LAST, MIDDLE], output=tmp_path / "farm")
    assert_same_pictures(tmp_path)


def test_images_that_are_painted_are_there_before_they_are_shown(tmp_path: Path) -> None:
    unpainted = stepped(
        simulated_scene("painted_image", tmp_path / "blank"), tmp_path / "unpainted", [MIDDLE]
    )
    source = simulated_scene("painted_image", tmp_path / "source")
    (tmp_path / "paint.py").write_text(PAINT)
    run_script(MODULE, tmp_path / "paint.py", str(source))
    stepped(source, tmp_path / "stepped", [MIDDLE, LAST], prepare=PAINTED)
    project = simulated_scene("painted_image", tmp_path / "project")
    bake(project, render=[LAST, MIDDLE], output=tmp_path / "farm")
    assert_same_pictures(tmp_path, frozen=unpainted / "frozen.png")


def assert_same_pictures(folder: Path, frozen: Path | None = None) -> None:
    """The farm's are those of who steps through, and not the `frozen` one of a scene that nobody played."""
    for name in (f"{MIDDLE:04d}.png", f"{LAST:04d}.png"):
        assert same_picture(folder / "farm" / name, folder / "stepped" / name), name
    assert not same_picture(frozen or folder / "stepped/frozen.png", folder / f"stepped/{LAST:04d}.png")


@pytest.mark.parametrize("name", FLUIDS)
def test_fluids_are_baked_by_the_executable(name: str, tmp_path: Path) -> None:
    blender = executable()
    source = simulated_scene(name, tmp_path / "source", blender)
    stepped(source, tmp_path / "stepped", [MIDDLE, LAST], prepare=FRESH_REPLAY, blender=blender)
    project = simulated_scene(name, tmp_path / "project", blender)
    baked = bake(project, render=[LAST, MIDDLE], output=tmp_path / "farm", blender=blender)
    assert [(item.kind, item.object) for item in baked.report.simulations] == [("fluid", "Tank")]
    assert baked.steps[-1].frame == LAST
    assert_same_pictures(tmp_path)


def test_the_newest_series_bakes_as_well(tmp_path: Path) -> None:
    blender = series_5_2()
    source = simulated_scene("every_kind", tmp_path / "source", blender)
    stepped(source, tmp_path / "stepped", [MIDDLE, LAST], blender=blender)
    project = simulated_scene("every_kind", tmp_path / "project", blender)
    bake(project, render=[LAST, MIDDLE], output=tmp_path / "farm", blender=blender)
    assert_same_pictures(tmp_path)


def test_every_kind_is_found_by_its_name(tmp_path: Path) -> None:
    baked = bake(simulated_scene("every_kind", tmp_path))
    assert {(item.kind, item.object, item.ready) for item in baked.report.simulations} == {
        ("cloth", "Cloth", False),
        ("soft_body", "Soft", False),
        ("particles", "Rain", False),
        ("hair", "Fur", False),
        ("rigid_body", "Scene", False),
        ("dynamic_paint", "Canvas", False),
        ("simulation_zone", "Climber", False),
    }
    with session(tmp_path / "again") as again:
        assert not again.open(baked.blend, {}, SECONDS).needs_bake(LAST)


def test_a_cache_that_came_with_the_upload_is_kept(tmp_path: Path) -> None:
    blend = simulated_scene("ready_cache", tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "blendcache_ready_cache").iterdir()}
    with session(tmp_path / "session") as one:
        report = one.open(blend, {}, SECONDS)
    assert [(item.ready, item.last_frame) for item in report.simulations] == [(True, 8)]
    assert not report.needs_bake(LAST)
    bake(blend)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "blendcache_ready_cache").iterdir()}
    assert after == before


def test_a_zone_that_is_baked_into_the_file_is_kept(tmp_path: Path) -> None:
    """Baked anew it would climb at another pace."""
    blend = simulated_scene("baked_zone", tmp_path / "project")
    baked = bake(blend, render=[LAST], output=tmp_path / "farm")
    assert [item.ready for item in baked.report.simulations] == [True]
    stepped(blend, tmp_path / "stepped", [LAST])
    assert same_picture(tmp_path / f"farm/{LAST:04d}.png", tmp_path / f"stepped/{LAST:04d}.png")


def test_a_cache_that_belongs_to_a_file_of_another_name_is_not_believed(tmp_path: Path) -> None:
    renamed = simulated_scene("ready_cache", tmp_path).rename(tmp_path / "renamed.blend")
    baked = bake(renamed)
    assert [item.ready for item in baked.report.simulations] == [False]
    assert len(list((tmp_path / "blendcache_renamed").iterdir())) == 8


def test_a_bake_that_another_blender_does_not_show_is_refused_by_name(tmp_path: Path) -> None:
    blend = simulated_scene("two_caches_of_one_object", tmp_path)
    with session(tmp_path / "bake") as first:
        first.open(blend, {}, SECONDS)
        expectations = first.bake(LAST, tmp_path, lambda _: None, SECONDS)
    for path in tmp_path.glob(f"blendcache_*/{b'Other'.hex().upper()}_*"):
        path.unlink()
    with session(tmp_path / "proof") as second:
        second.open(blend, {}, SECONDS, for_bake=False)
        with pytest.raises(SceneRejected, match='cloth of "Other" at frame 12') as refused:
            second.prove(expectations, SECONDS)
    assert "Sheet" not in refused.value.reason


def test_the_bake_ends_at_the_last_frame_wanted(tmp_path: Path) -> None:
    baked = bake(simulated_scene("two_caches_of_one_object", tmp_path), 5)
    numbers = {
        path.name.split("_")[1] for path in (tmp_path / "blendcache_two_caches_of_one_object").iterdir()
    }
    assert (min(numbers), max(numbers)) == ("000001", "000005")
    assert [(step.frame, step.last_frame) for step in baked.steps] == [(frame, 5) for frame in range(1, 6)]
    assert {(step.kind, step.object) for step in baked.steps} == {("cloth, particles", "Sheet, Rain, Other")}


def test_images_that_will_be_painted_are_not_missed(tmp_path: Path) -> None:
    blend = simulated_scene("painted_image", tmp_path)
    with session(tmp_path / "session") as one:
        report = one.open(blend, {}, SECONDS, asked_frames={})
    assert report.missing_files == ()
    assert [item.kind for item in report.simulations] == ["painted_images"]


def test_nothing_is_painted_outside_of_the_project(tmp_path: Path) -> None:
    blend = simulated_scene("painted_elsewhere", tmp_path / "a/b/project")
    with pytest.raises(SceneRejected, match=r'"Canvas" writes its images to .*farm_escape'):
        bake(blend)
    assert sorted(path.name for path in tmp_path.rglob("*farm_escape*")) == []
