"""Frames come home whole, and a name from the bucket leads nowhere else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from rich.console import Console

from contract.failures import FailureKind
from contract.frame_record import FailedAttempt, FrameRecord
from contract.job import FrameState, JobState
from contract.keys import bake_log_key, frames_prefix, preview_key, summary_key
from farm.jobs import Farm
from farm.screen import PlainScreen
from farm.transfer.job_files import JobFiles
from farm.transfer.safe_names import UnsafeNameError, local_path
from tests.unit.test_farm_jobs import JOB


@pytest.fixture
def farm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Farm]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    nothing: Any = None
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="renders")
        yield Farm(s3=s3, table=nothing, sqs=nothing, bucket="renders", bake_queue_url="")


@contextmanager
def home(farm: Farm, folder: Path) -> Iterator[JobFiles]:
    screen = PlainScreen(Console(file=io.StringIO()))
    with JobFiles(farm=farm, folder=folder, screen=screen) as files:
        yield files


def put(farm: Farm, key: str, content: bytes) -> None:
    farm.s3.put_object(Bucket=farm.bucket, Key=key, Body=content)


def frame(*files: str, state: FrameState = FrameState.DONE, **more: Any) -> FrameRecord:
    return FrameRecord(frame=1, state=state, files=files, **more)


FRAMES = frames_prefix(JOB.project, JOB.job_id)
DONE = replace(JOB, state=JobState.DONE)


@pytest.mark.parametrize(
    "name", ["0001.png", "node/0001.exr", "ä b+c/..0001.png", "a/b/c/0001_L.png", "...", "-rf"]
)
def test_plain_names_are_kept(tmp_path: Path, name: str) -> None:
    assert local_path(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a/./x",
        "a//x",
        "a/",
        "a\\..\\x",
        "a\nb",
        "a\0b",
        "\x1b[2J",
        "x" * 256,
    ],
)
def test_names_that_could_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeNameError):
        local_path(tmp_path, name)


@given(st.text(alphabet="./\\a:~\0", max_size=12))
def test_whatever_the_name_the_path_lies_inside(name: str) -> None:
    folder = Path("/somewhere/out")
    try:
        path = local_path(folder, name)
    except UnsafeNameError:
        return
    assert path.resolve().is_relative_to(folder)
    assert path.resolve() != folder


def test_a_link_inside_the_folder_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/node").symlink_to(tmp_path)
    with pytest.raises(UnsafeNameError):
        local_path(tmp_path / "out", "node/0001.png")


def test_a_link_in_place_of_a_file_is_replaced_not_followed(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0001.png").symlink_to(tmp_path / "precious")
    put(farm, FRAMES + "0001.png", b"frame")
    with home(farm, tmp_path / "out") as files:
        files.take(DONE, frame("0001.png"))
        assert files.finish(DONE, [])
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "out/0001.png").is_symlink()
    assert (tmp_path / "out/0001.png").read_bytes() == b"frame"


def test_frames_and_what_was_made_of_them(farm: Farm, tmp_path: Path) -> None:
    put(farm, FRAMES + "n/0001.png", b"frame")
    put(farm, preview_key(JOB.project, JOB.job_id), b"film")
    put(farm, summary_key(JOB.project, JOB.job_id), b"{}")
    with home(farm, tmp_path) as files:
        files.take(DONE, frame("n/0001.png"))
        assert files.finish(DONE, []), files.refused
    found = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert found == {"n/0001.png": b"frame", "preview.mp4": b"film", "job.json": b"{}"}


def test_a_name_that_leads_out_is_said_and_the_others_come(farm: Farm, tmp_path: Path) -> None:
    put(farm, FRAMES + "0001.png", b"frame")
    put(farm, FRAMES + "../../x.png", b"evil")
    with home(farm, tmp_path / "out") as files:
        files.take(DONE, frame("../../x.png", "0001.png", "gone.png"))
        assert not files.finish(DONE, [])
    assert sorted(reason.split(":")[0] for reason in files.refused) == [
        "../../x.png was not downloaded",
        "gone.png was not downloaded",
    ]
    assert [path.name for path in tmp_path.rglob("*.png")] == ["0001.png"]


def test_a_frame_that_is_called_as_the_preview_is_kept(farm: Farm, tmp_path: Path) -> None:
    put(farm, FRAMES + "preview.mp4", b"frame")
    put(farm, preview_key(JOB.project, JOB.job_id), b"film")
    with home(farm, tmp_path) as files:
        files.take(DONE, frame("preview.mp4"))
        assert files.finish(DONE, [])
    assert (tmp_path / "preview.mp4").read_bytes() == b"frame"


def test_of_a_job_that_went_wrong_the_logs_come(farm: Farm, tmp_path: Path) -> None:
    prefix = FRAMES.removesuffix("frames/")
    put(farm, prefix + "logs/frame-0001-attempt-3.log", b"why")
    attempt = FailedAttempt(
        token="t",
        kind=FailureKind.CRASHED,
        reason="r",
        worker="w",
        at="2026",
        log="logs/frame-0001-attempt-3.log",
    )
    failed = frame(state=FrameState.FAILED, failures=(attempt,))
    with home(farm, tmp_path / "a") as files:
        assert files.finish(replace(JOB, state=JobState.DONE_WITH_FAILURES), [failed])
    assert (tmp_path / "a/logs/frame-0001-attempt-3.log").read_bytes() == b"why"
    put(farm, bake_log_key(JOB.project, JOB.job_id), b"bake")
    with home(farm, tmp_path / "b") as files:
        assert files.finish(replace(JOB, state=JobState.FAILED), [])
    assert (tmp_path / "b/logs/bake.log").read_bytes() == b"bake"
