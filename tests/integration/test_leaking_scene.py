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
from worker_agent.seats.spare_blender import READY, TAKEN
from worker_agent.seats.spare_keeper import SpareKeeper

MEGABYTE = 1024**2


@pytest.mark.parametrize("with_spare", [False, True])
def test_it_loses_no_frame(
    with_spare: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(session_growth, "GROWTH_BYTES", 64 * MEGABYTE)
    monkeypatch.setattr(session_growth, "OPENINGS_APART", 0.01)  # of what frames have taken, not nothing
    project = tmp_path / "scratch" / "project"
    project.mkdir(parents=True)
    make_leaking(project / "scene.blend", megabytes=200, quick=True)
    spec = RuntimeSpec(version=version("bpy"), path=sys.executable)
    sessions = SceneSessions(
        BlenderShelf([spec], tmp_path / "shelf"),
        tmp_path / "work",
        cage=offered_options(),
        projects=tmp_path / "scratch" if with_spare else None,
    )
    keeper = sessions.spare and SpareKeeper(
        sessions.spare, rests=lambda: False, needs_soon=lambda: sessions.will_be_worn(1)
    )
    most_bytes, pids, rendered, ready = 0, [], [], list[int]()
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
            if keeper:
                said = len(caplog.messages)
                keeper.look()  # as it does every half second while a frame renders
                ready += [frame for message in caplog.messages[said:] if READY in message]
            rendered += [done.frame for done in render(session, [frame], sessions.frames_folder())]
            pids.append(session.pid)
            most_bytes = max(most_bytes, session.memory_bytes)
    finally:
        sessions.end()
    assert rendered == list(range(1, 15))
    assert len(set(pids)) == 2, pids
    assert pids.index(pids[-1]) > 3, "not because of what it has after its first frames"
    assert most_bytes < 14 * 200 * MEGABYTE
    (told,) = [record.message for record in caplog.records if "opened anew" in record.message]
    assert told.startswith("Blender is opened anew: it has grown from ")
    taken = [message for message in caplog.messages if message == f"the spare Blender {TAKEN}"]
    assert len(taken) == with_spare
    if with_spare:
        assert ready[:1] == [pids.index(pids[-1])], "beside the last frame of the one before, and no earlier"
