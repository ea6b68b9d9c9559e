"""What a bake finds, leaves alone and leaves behind."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.blender import SECONDS, copied_scene, render, same_picture, start_session
from tests.support.simulations import bake, stepped

LAST = 12


def test_a_baked_project_may_be_moved_but_for_its_name(tmp_path: Path) -> None:
    """The farm publishes by renaming the folder: nothing in it may hang on where it was made."""
    stepped(copied_scene("cloth", tmp_path / "source"), tmp_path / "stepped", [LAST])
    bake(copied_scene("cloth", tmp_path / "half"), LAST)
    shutil.move(tmp_path / "half", tmp_path / "published")
    assert sorted(path.name for path in (tmp_path / "published").iterdir()) == [
        "blendcache_cloth",
        "cloth.blend",
    ]
    with start_session(tmp_path / "session") as session:
        session.open(tmp_path / "published/cloth.blend", {}, SECONDS, for_bake=False)
        render(session, [LAST, 5], tmp_path / "out")
    assert same_picture(tmp_path / f"out/{LAST:04d}.png", tmp_path / f"stepped/{LAST:04d}.png")
    assert not same_picture(tmp_path / "out/0005.png", tmp_path / f"stepped/{LAST:04d}.png")


def test_a_cache_whose_files_are_gone_is_not_believed(tmp_path: Path) -> None:
    baked = bake(copied_scene("lost_cache", tmp_path / "project"), 5)
    assert [item.ready for item in baked.report.simulations if item.kind == "cloth"] == [False]
    assert baked.report.needs_bake(1)
    assert len(list((tmp_path / "project/blendcache_lost_cache").iterdir())) >= 5


def test_what_renders_hide_still_holds_up_the_cloth(tmp_path: Path) -> None:
    stepped(copied_scene("hidden_collider", tmp_path / "a"), tmp_path / "stepped", [LAST])
    bake(copied_scene("hidden_collider", tmp_path / "b"), LAST, render=[LAST], output=tmp_path / "out")
    assert same_picture(tmp_path / f"out/{LAST:04d}.png", tmp_path / f"stepped/{LAST:04d}.png")


def test_a_simulation_that_nothing_shows_is_not_baked(tmp_path: Path) -> None:
    with start_session(tmp_path) as session:
        report = session.open(copied_scene("shelved_cloth", tmp_path / "source"), {}, SECONDS)
    assert report.simulations == ()
    assert not report.needs_bake(1_000)


def test_the_artists_view_of_the_file_is_left_as_it_was(tmp_path: Path) -> None:
    """Scene and frame are saved with a file; the farm steps through others."""
    blend = copied_scene("cloth", tmp_path)
    bake(blend, LAST)
    ask = "import bpy, sys, os; bpy.ops.wm.open_mainfile(filepath=sys.argv[1]); s = bpy.context.scene"
    ask += "; print(s.name, s.frame_current, s.frame_end, flush=True); os._exit(0)"
    done = subprocess.run([sys.executable, "-c", ask, str(blend)], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "Scene 1 14"
