"""Blender's releases in the farm's bucket: one worker downloads each, and what was changed is refused."""

from __future__ import annotations

import hashlib
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.blender_releases import checksum_file
from contract.keys import blender_archive_key, blender_sum_key, read_upload_key
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.release_server import ReleaseServer, archive_of, release_server
from worker_agent.runtimes import kept_releases
from worker_agent.runtimes.errors import InstallError
from worker_agent.runtimes.executable import install_executable
from worker_agent.runtimes.kept_releases import KeptReleases
from worker_agent.tasks.outcome import InterruptedTaskError

VERSION, TOP = "4.5.15", "blender-4.5.15-linux-x64"
KEY, SUM = blender_archive_key(VERSION), blender_sum_key(VERSION)
SUM_PATH = f"/Blender4.5/{checksum_file(VERSION)}"
"""On the download site."""


@pytest.fixture(scope="module")
def edges() -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        yield edges


@pytest.fixture
def aws(edges: AwsEdges) -> AwsEdges:
    """The bucket is empty."""
    versions = edges.s3.list_object_versions(Bucket=edges.render_bucket_name)
    for each in versions.get("Versions", []):
        edges.s3.delete_object(Bucket=edges.render_bucket_name, Key=each["Key"], VersionId=each["VersionId"])
    return edges


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with release_server() as server:
        server.offer(VERSION, archive_of(VERSION))
        yield server


def install(
    aws: AwsEdges, server: ReleaseServer, folder: Path, *, s3: Any = None, stopped: bool = False
) -> Path:
    folder.mkdir()
    kept = KeptReleases(lambda: s3 or aws.s3, aws.render_bucket_name)
    made = install_executable(VERSION, folder, stopped=lambda: stopped, base_url=server.base_url, kept=kept)
    assert (made / "blender").is_file()
    assert [path.name for path in folder.iterdir()] == [TOP], "the archive is gone"
    return made


def objects(aws: AwsEdges) -> dict[str, str]:
    """Versions by key; one of each, or it was written again."""
    versions = aws.s3.list_object_versions(Bucket=aws.render_bucket_name).get("Versions", [])
    assert len({each["Key"] for each in versions}) == len(versions)
    assert "Uploads" not in aws.s3.list_multipart_uploads(Bucket=aws.render_bucket_name)
    return {each["Key"]: each["VersionId"] for each in versions}


def put(aws: AwsEdges, key: str, body: bytes) -> None:
    aws.s3.put_object(Bucket=aws.render_bucket_name, Key=key, Body=body)


class Behaves:
    """A client of S3 that calls `before` each call that it is told of."""

    def __init__(self, s3: Any, **before: Any) -> None:
        self._s3 = s3
        self._before = before

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            if name in self._before:
                self._before[name]()
            return getattr(self._s3, name)(**arguments)

        return call


def test_only_the_first_worker_downloads_it(aws: AwsEdges, server: ReleaseServer, tmp_path: Path) -> None:
    install(aws, server, tmp_path / "first")
    assert set(objects(aws)) == {KEY, SUM}
    assert len(server.asked) == 2, "the sum and the archive"
    before = objects(aws)
    install(aws, server, tmp_path / "second")
    assert server.asked[2:] == [SUM_PATH], "the archive is the farm's own"
    assert objects(aws) == before, "nothing is written again"


def test_it_lies_where_workers_may_write_and_starts_no_job() -> None:
    assert KEY == "blender/output/4.5.15/blender-4.5.15-linux-x64.tar.xz"
    for key in (KEY, SUM, f"{KEY}.blend"):
        assert isinstance(read_upload_key(key), str)


def test_a_changed_archive_is_refused_and_not_replaced(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path
) -> None:
    install(aws, server, tmp_path / "first")
    aws.s3.delete_object(Bucket=aws.render_bucket_name, Key=KEY)
    put(aws, KEY, archive_of(VERSION, says="Blender 4.5.15 with a guest"))
    with pytest.raises(InstallError, match=f"changed archive: s3://.*{KEY} has the SHA-256"):
        install(aws, server, tmp_path / "worker")
    assert server.asked[2:] == [SUM_PATH]


def test_an_archive_that_was_changed_together_with_its_sum_is_refused(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path
) -> None:
    """Whoever could write the one could write the other; the release is asked for its sum each time."""
    changed = archive_of(VERSION, says="Blender 4.5.15 with a guest")
    put(aws, SUM, hashlib.sha256(changed).hexdigest().encode())
    put(aws, KEY, changed)
    before = objects(aws)
    with pytest.raises(InstallError, match="changed release: it says the SHA-256"):
        install(aws, server, tmp_path / "worker")
    assert objects(aws) == before


def test_a_kept_one_is_installed_while_the_release_does_not_answer(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(aws, server, tmp_path / "first")
    server.files.clear()
    install(aws, server, tmp_path / "second")
    assert "is held to the sum that is kept" in caplog.text


def test_one_larger_than_any_blender_is_not_taken(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(aws, server, tmp_path / "first")
    monkeypatch.setattr(kept_releases, "MAX_ARCHIVE_BYTES", 100)
    with pytest.raises(InstallError, match="is larger than 100 bytes: it is no Blender"):
        install(aws, server, tmp_path / "second")


@pytest.mark.parametrize("text", [b"", b"x" * 64, b"0" * 65, b"\xff"])
def test_a_sum_that_is_none_is_refused(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path, text: bytes
) -> None:
    put(aws, SUM, text)
    with pytest.raises(InstallError, match=r"changed archive: .*expected a SHA-256"):
        install(aws, server, tmp_path / "worker")
    assert server.asked == []


def test_a_release_that_says_another_sum_than_is_kept_is_refused(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path
) -> None:
    put(aws, SUM, b"0" * 64)  # its archive was never kept, or was deleted
    before = objects(aws)
    with pytest.raises(InstallError, match=r"changed release: it says the SHA-256 .*, and 0{64} is kept"):
        install(aws, server, tmp_path / "worker")
    assert objects(aws) == before


def test_what_a_worker_left_that_died_between_sum_and_archive_is_completed(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path
) -> None:
    install(aws, server, tmp_path / "first")
    aws.s3.delete_object(Bucket=aws.render_bucket_name, Key=KEY, VersionId=objects(aws)[KEY])
    install(aws, server, tmp_path / "second")
    assert set(objects(aws)) == {KEY, SUM}


@pytest.mark.parametrize("call", ["put_object", "create_multipart_upload", "complete_multipart_upload"])
def test_of_two_at_once_one_keeps_it_and_the_other_uses_its_own(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path, call: str
) -> None:
    """The other worker has it whole just before this one's `call`."""
    won: list[dict[str, str]] = []

    def be_quicker() -> None:
        if not won:
            won.append({})
            install(aws, server, tmp_path / "quicker")
            won[0].update(
                {
                    each["Key"]: each["VersionId"]
                    for each in aws.s3.list_object_versions(Bucket=aws.render_bucket_name)["Versions"]
                }
            )

    install(aws, server, tmp_path / "slower", s3=Behaves(aws.s3, **{call: be_quicker}))
    assert objects(aws) == won[0]


@pytest.mark.parametrize("call", ["put_object", "create_multipart_upload", "upload_part"])
def test_a_worker_that_cannot_keep_it_renders_with_its_own_copy(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    def refuse() -> None:
        aws.s3.get_object(Bucket="no-such-bucket-of-ours", Key="k")

    with caplog.at_level(logging.WARNING):
        install(aws, server, tmp_path / "worker", s3=Behaves(aws.s3, **{call: refuse}))
    assert f"could not be kept at s3://{aws.render_bucket_name}/{KEY}" in caplog.text
    assert KEY not in objects(aws)


def test_a_bucket_that_cannot_be_read_is_no_reason_to_ask_everybody_else(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path
) -> None:
    def refuse() -> None:
        aws.s3.get_object(Bucket="no-such-bucket-of-ours", Key="k")

    with pytest.raises(InstallError, match=r"s3://.*\.sha256 cannot be read"):
        install(aws, server, tmp_path / "worker", s3=Behaves(aws.s3, get_object=refuse))
    assert server.asked == []


def test_a_large_one_goes_and_comes_in_parts(
    aws: AwsEdges, server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_releases, "PART_BYTES", 5 * 1024**2)
    noise = random.Random(7).randbytes(6 * 1024**2)
    server.offer(VERSION, archive_of(VERSION, (f"{TOP}/noise", noise)))
    install(aws, server, tmp_path / "first")
    head = aws.s3.head_object(Bucket=aws.render_bucket_name, Key=KEY)
    assert head["ETag"].endswith('-2"')
    assert (install(aws, server, tmp_path / "second") / "noise").read_bytes() == noise


def test_a_worker_that_must_go_leaves_no_half_of_an_upload(aws: AwsEdges, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(b"x")
    kept = KeptReleases(lambda: aws.s3, aws.render_bucket_name)
    with pytest.raises(InterruptedTaskError):
        kept.keep(VERSION, archive, "0" * 64, lambda: True)
    assert set(objects(aws)) == {SUM}
