"""Work that may take long says all the while that it gets somewhere, or it would be taken for stuck."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.agent import agent_in
from tests.support.archives import tar, zipped
from worker_agent.bundle import tar_archive, unpack
from worker_agent.services.patience import LOOK_SECONDS, held, patiently
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.watchdog import beating_with

CONTENT = random.Random(1).randbytes(3 * 1024**2)
"""Some chunks of an archive, and no multipart transfer."""


@pytest.fixture
def beats() -> Iterator[list[float]]:
    """The moments at which this thread, or one that works for it, has beaten."""
    heard: list[float] = []
    with beating_with(lambda: heard.append(time.monotonic())):
        yield heard


def test_what_is_downloaded_and_uploaded(tmp_path: Path, beats: list[float]) -> None:
    with agent_in(tmp_path) as agent:
        agent.upload(content=CONTENT)
        before = len(beats)
        agent.bucket.download_source(agent.job, tmp_path / "scene.blend")
        downloaded = len(beats)
        assert downloaded - before >= len(CONTENT) / 1024**2
        agent.bucket.upload_frame_file(
            agent.job, "0001.png", tmp_path / "scene.blend", blender_version="4.5.15"
        )
        uploaded = len(beats)
        assert uploaded > downloaded
        agent.bucket.upload_file("film/output/x", tmp_path / "scene.blend", content_type="video/mp4")
        assert len(beats) > uploaded


@pytest.mark.parametrize("make", [tar, zipped])
def test_what_is_unpacked(tmp_path: Path, beats: list[float], make: Callable[..., Path]) -> None:
    archive = make(tmp_path / ("a.tar.gz" if make is tar else "a.zip"), ("scene.blend", CONTENT))
    (tmp_path / "project").mkdir()
    unpack(archive, tmp_path / "project")
    assert len(beats) >= 1 + len(CONTENT) / tar_archive.CHUNK_BYTES


def test_what_is_skipped_in_an_archive_and_its_content_is_as_ever(
    tmp_path: Path, beats: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar_archive, "_SKIP_BYTES", 64 * 1024)
    archive = tar(tmp_path / "a.tar.gz", ("texture.png", CONTENT), ("scene.blend", CONTENT[:100_000]))
    (tmp_path / "project").mkdir()
    blend = unpack(archive, tmp_path / "project")
    assert blend.read_bytes() == CONTENT[:100_000]
    assert (tmp_path / "project/texture.png").read_bytes() == CONTENT
    assert len(beats) >= len(CONTENT) / (64 * 1024)


def test_a_service_that_is_away_is_waited_for(
    tmp_path: Path, beats: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_agent.services.patience.random.uniform", lambda low, high: high)
    with agent_in(tmp_path) as agent:
        lease: Lease = agent.lease()
        waited: list[float] = []

        def fail() -> None:
            raise ConnectionError

        def give_up() -> bool:
            return len(waited) >= 20

        with held(lease, give_up=give_up, sleep=waited.append), pytest.raises(InterruptedTaskError):
            patiently(fail, "a call", lambda error: True)
    assert sum(waited) >= 15 * LOOK_SECONDS
    assert len(beats) >= len(waited)
