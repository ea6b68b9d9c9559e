"""When the scene that is open is opened anew."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from tests.support.jobs import a_job
from worker_agent.blender import BlenderSession
from worker_agent.seats.open_scene import OpenScene

GIB = 1024**3
JOB = a_job("film", baked_folder="baked-1")


class Session:
    """One that has rendered, and how."""

    memory_bytes = GIB
    frames_rendered = 0
    render_seconds = 0.0

    def renders(self, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self.frames_rendered += 1
        self.render_seconds += 10


def opened(session: Session) -> OpenScene:
    return OpenScene(cast(BlenderSession, session), job_id="film", folder="baked-1", opening_seconds=1)


def test_it_is_that_of_one_job_as_it_was_baked() -> None:
    scene = opened(Session())
    assert scene.is_of(JOB)
    assert not scene.is_of(replace(JOB, baked_folder="baked-2"))
    assert not scene.is_of(replace(JOB, job_id="other"))


def test_one_that_is_distrusted_is_worn_and_that_is_known_before() -> None:
    scene = opened(Session())
    assert not scene.is_worn(1)
    assert not scene.will_be_worn(1)
    scene.distrust()
    assert scene.will_be_worn(1)
    assert scene.is_worn(1)


def test_one_that_grows_is_worn_once_that_has_paid_for_opening_it(caplog: pytest.LogCaptureFixture) -> None:
    session = Session()
    scene = opened(session)
    for _ in range(3):
        session.renders(GIB)
        assert not scene.is_worn(1)
    session.renders(3 * GIB)
    assert not scene.is_worn(1)
    assert scene.will_be_worn(1)
    session.renders(4 * GIB)
    assert scene.is_worn(1)
    assert caplog.messages == ["Blender is opened anew: it has grown from 1 GiB to 4 GiB"]
