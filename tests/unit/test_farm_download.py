"""Frames come home whole, and a name from the bucket leads nowhere else."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from farm.download import UnsafeNameError, download, download_frame, local_path
from farm.jobs import Farm


def farm_that_answers(content: bytes, length: int | None = None) -> Farm:
    asked: list[str] = []

    def get_object(*, Bucket: str, Key: str) -> Any:  # noqa: N803
        asked.append(Key)
        body = StreamingBody(io.BytesIO(content), len(content))
        return {"Body": body, "ContentLength": len(content) if length is None else length}

    client: Any = SimpleNamespace(get_object=get_object, asked=asked)
    nothing: Any = None
    return Farm(s3=client, table=nothing, sqs=nothing, bucket="b", bake_queue_url="")


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


def test_a_link_in_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/0001.png").symlink_to(tmp_path / "precious")
    download(farm_that_answers(b"frame"), "k", tmp_path / "out/0001.png")
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "out/0001.png").read_bytes() == b"frame"


def test_a_frame_is_fetched_from_its_jobs_folder(tmp_path: Path) -> None:
    farm = farm_that_answers(b"frame")
    path = download_frame(farm, project="shots/010", job_id="scene-1", name="n/0001.png", folder=tmp_path)
    assert path.read_bytes() == b"frame"
    assert farm.s3.asked == ["shots/010/output/scene-1/frames/n/0001.png"]  # type: ignore[attr-defined]


def test_a_file_that_broke_off_is_not_left_behind(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(b"old")
    with pytest.raises(OSError, match="broke off after 5 of 9 bytes"):
        download(farm_that_answers(b"frame", length=9), "k", tmp_path / "0001.png")
    assert [path.name for path in tmp_path.iterdir()] == ["0001.png"]
    assert (tmp_path / "0001.png").read_bytes() == b"old"
