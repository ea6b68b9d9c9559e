"""Blenders of three series in one worker: each file gets its own, and a job keeps the build that baked it."""

import multiprocessing
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from contract.cage.probe import offered_options
from contract.job import Job
from contract.runtimes import RuntimeSpec
from farm.local import blenders
from tests.support.blender import render
from tests.support.jobs import a_job
from tests.support.runtimes import VERSION_5_2, executable, python_of_5_2, run_script, series_5_2
from worker_agent.blender import SceneRejected
from worker_agent.runtimes.errors import RuntimeUnavailableError
from worker_agent.runtimes.selection import read_needs
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.scene_sessions import SceneSessions

SMALL_SCENE = Path(__file__).parents[1] / "e2e/small_scene.py"
FLUID_SCENE = """
import bpy, os, sys
bpy.ops.wm.read_factory_settings(use_empty=True)
for name, kind in (("Inflow", "FLOW"), ("Tank", "DOMAIN")):
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.name = name
    bpy.context.object.modifiers.new("First", "SUBSURF")
    bpy.context.object.modifiers.new("Fluid", "FLUID").fluid_type = kind
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
os._exit(0)  # a wheel aborts when it lets go of a fluid
"""


@cache
def specs() -> dict[str, RuntimeSpec]:
    own = version("bpy")
    return {
        "3.4": RuntimeSpec(version="3.4.1", path=str(executable())),
        own.rpartition(".")[0]: RuntimeSpec(version=own, path=sys.executable),
        "5.2": RuntimeSpec(version=VERSION_5_2, path=str(series_5_2())),
    }


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same small scene, saved by each series."""
    folder = tmp_path_factory.mktemp("scenes")
    for series, spec in specs().items():
        run_script(spec.path, SMALL_SCENE, str(folder / f"{series}.blend"))
    return {series: folder / f"{series}.blend" for series in specs()}


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[SceneSessions]:
    shelf = BlenderShelf(list(specs().values()), tmp_path / "shelf")
    sessions = SceneSessions(shelf, tmp_path / "work", cage=offered_options())
    yield sessions
    sessions.close()


def bound(sessions: SceneSessions, blend: Path, name: str) -> Job:
    """A job as a bake leaves it."""
    spec = sessions.choose(blend, None)
    with sessions.fresh(spec, project=blend.parent, changes_it=True) as session:
        assert session.open(blend, {}, 60).runtime_version == spec.version == session.runtime_version
        return a_job(
            name,
            blender_version=session.runtime_version,
            blender_build=session.runtime_build,
            blender_form=str(spec.form),
            baked_blend=blend.name,
        )


def test_each_file_is_rendered_by_its_own_series(sessions: SceneSessions, scenes: dict[str, Path]) -> None:
    jobs = {series: bound(sessions, blend, series) for series, blend in scenes.items()}
    assert {series: job.blender_version for series, job in jobs.items()} == {
        series: spec.version for series, spec in specs().items()
    }
    assert len({job.blender_build for job in jobs.values()}) == 3
    for series, job in jobs.items():  # the one open Blender is another each time
        session = sessions.open_for(job, scenes[series].parent)
        assert session.runtime_version == job.blender_version
        assert sessions.open_for(job, scenes[series].parent) is session, (
            "it stays open for the job's next frame"
        )
        output = sessions.frames_folder()
        (frame,) = render(session, [2], output)
        with Image.open(output / frame.files[0]) as picture:
            assert picture.size == (64, 36)
            assert len(picture.convert("L").getcolors() or []) > 2, "there is something to see"


def test_a_file_newer_than_any_is_refused_before_blender_sees_it(
    scenes: dict[str, Path], tmp_path: Path
) -> None:
    old = [spec for series, spec in specs().items() if series != "5.2"]
    with pytest.raises(SceneRejected, match=r"5\.2\.blend was saved by Blender 5\.2, and the newest"):
        SceneSessions(BlenderShelf(old, tmp_path), tmp_path).choose(scenes["5.2"], None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"blender_build": "0123456789ab"}, "bound to the build 0123456789ab of Blender 5.2.3 (module)"),
        ({"blender_form": "executable"}, "bound to Blender 5.2.3 (executable), which this worker has not"),
        ({"blender_version": "5.2.2"}, "bound to Blender 5.2.2 (module), which this worker has not"),
    ],
)
def test_another_build_than_the_jobs_renders_nothing(
    sessions: SceneSessions, scenes: dict[str, Path], change: dict[str, Any], says: str
) -> None:
    job, project = bound(sessions, scenes["5.2"], "job"), scenes["5.2"].parent
    with pytest.raises(RuntimeUnavailableError) as caught:
        sessions.open_for(replace(job, **change), project)
    assert says in str(caught.value)
    assert sessions.open_for(job, project).runtime_version == VERSION_5_2, "the next job is served"


def test_a_blender_that_is_not_what_the_worker_was_told_is_not_used(tmp_path: Path) -> None:
    for spec, says in (
        (RuntimeSpec(version="9.9.9", path=sys.executable), "calls itself "),
        (RuntimeSpec(version="9.9.9", path=str(tmp_path / "gone")), "could not be started from gone"),
        (RuntimeSpec(version="9.9.9", path="/bin/true"), "ended by itself (exit code 0) while starting"),
    ):
        sessions = SceneSessions(BlenderShelf([spec], tmp_path), tmp_path / "work", cage=offered_options())
        fresh = sessions.fresh(spec, project=tmp_path, changes_it=True)
        with pytest.raises(RuntimeUnavailableError) as caught, fresh:
            pass
        assert says in str(caught.value)
        assert "9.9.9" in str(caught.value)


def test_a_fluid_domain_is_seen_in_files_of_every_series(tmp_path: Path) -> None:
    script = tmp_path / "make_fluid.py"
    script.write_text(FLUID_SCENE)
    for series, spec in specs().items():
        blend = tmp_path / f"{series}.blend"
        run_script(spec.path, script, str(blend))
        needs = read_needs(blend)
        assert (str(needs.series), needs.fluid_domains) == (series, ("Tank",))


def test_the_real_ones_say_what_they_are() -> None:
    assert blenders.runtimes([str(executable()), str(series_5_2())], {}) == (
        RuntimeSpec(version="3.4.1", path=str(executable())),
        RuntimeSpec(version="5.2.3", path=str(series_5_2())),
    )


def _install(folder: Path, spec: RuntimeSpec) -> None:
    start = BlenderShelf([spec], folder).runtime(spec).path
    sys.exit(0 if start == folder / f"{spec.version}-module/bin/python" else 1)


def test_two_workers_at_once_install_the_wheel_for_real(tmp_path: Path) -> None:
    spec = RuntimeSpec(version=VERSION_5_2, wheel_python=str(python_of_5_2()))
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_install, args=(tmp_path, spec)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(600)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["5.2.3-module"]
    assert not list(tmp_path.glob(".*.part"))
    sessions = SceneSessions(BlenderShelf([spec], tmp_path), tmp_path / "work", cage=offered_options())
    with sessions.fresh(spec, project=tmp_path, changes_it=True) as session:
        assert session.runtime_version == VERSION_5_2
