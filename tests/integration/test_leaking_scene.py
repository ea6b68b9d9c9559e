"""A real Blender whose scene keeps more memory with each frame is opened anew between two tasks."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from bench.session_scenes import make_leaking
from contract.cage.probe import offered_options
from contract.runtimes import RuntimeSpec
from tests.support.blender import render
from tests.support.jobs import a_job
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats import session_growth
from worker_agent.seats.scene_sessions import SceneSessions

MEGABYTE = 1024**2


def test_it_loses_no_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_growth, "GROWTH_BYTES", 64 * MEGABYTE)
    monkeypatch.setattr(session_growth, "OPENINGS_APART", 0)
    project = tmp_path / "project"
    project.mkdir()
    make_leaking(project / "scene.blend", megabytes=200, quick=True)
    spec = RuntimeSpec(version=version("bpy"), path=sys.executable)
    sessions = SceneSessions(
        BlenderShelf([spec], tmp_path / "shelf"), tmp_path / "work", cage=offered_options()
    )
    most_bytes, pids, rendered = 0, [], []
    try:
        with sessions.fresh(spec, project=project, changes_it=True) as session:
            build = session.runtime_build
        job = a_job(
            "leaking",
            blender_version=spec.version,
            blender_build=build,
            blender_form=str(spec.form),
            baked_blend="scene.blend",
        )
        for frame in range(1, 15):
            session = sessions.open_for(job, project)
            rendered += [done.frame for done in render(session, [frame], sessions.frames_folder())]
            pids.append(session.pid)
            most_bytes = max(most_bytes, session.memory_bytes)
    finally:
        sessions.close()
    assert rendered == list(range(1, 15))
    assert len(set(pids)) == 2, pids
    assert pids.index(pids[-1]) > 3, "not because of what it has after its first frames"
    assert most_bytes < 14 * 200 * MEGABYTE
    (told,) = [record.message for record in caplog.records if "opened anew" in record.message]
    assert told.startswith("Blender is opened anew: it has grown from ")
