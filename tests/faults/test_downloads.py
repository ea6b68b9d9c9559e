"""Downloads over connections that break, and in processes that are killed, against a real emulator."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from farm.transfer.download import part_of, size_of
from farm.transfer.patience import GaveUpError
from tests.faults.transfers import CONTENT, KEY, METADATA, MIB, ROOT, downloader, relay, uploader


def test_a_download_goes_on_where_it_broke(emulator: str, s3: Any, bucket: str, tmp_path: Path) -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)
    heard: list[int] = []
    with relay(emulator, 100, 400_000, 2_000_000, 1_000_000, 1200) as broken:
        got = downloader(broken.endpoint, bucket).fetch(KEY, tmp_path / "a/film.zip", heard.append)
        assert broken.broken == 5
    assert (tmp_path / "a/film.zip").read_bytes() == CONTENT
    assert (got.checksum, got.fetched_bytes, sum(heard)) == ("MD5", len(CONTENT), len(CONTENT))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["film.zip"]


def test_a_download_that_was_given_up_goes_on_in_the_next_run(
    emulator: str, s3: Any, bucket: str, tmp_path: Path
) -> None:
    etag = s3.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)["ETag"]
    target = tmp_path / "film.zip"
    with relay(emulator, 3_000_000, *[300] * 20) as broken, pytest.raises(GaveUpError):
        downloader(broken.endpoint, bucket, tries=3).fetch(KEY, target)
    assert not target.exists()
    have = size_of(part_of(target, KEY, etag))
    assert 0 < have < len(CONTENT)
    got = downloader(emulator, bucket).fetch(KEY, target)
    assert target.read_bytes() == CONTENT
    assert got.fetched_bytes == len(CONTENT) - have
    again = downloader(emulator, bucket).fetch(KEY, target)
    assert again.fetched_bytes == 0, "it is there already"


def test_a_file_that_is_damaged_or_older_is_fetched_again(
    emulator: str, s3: Any, bucket: str, tmp_path: Path
) -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)
    target = tmp_path / "film.zip"
    target.write_bytes(CONTENT[:-1] + b"X")
    assert downloader(emulator, bucket).fetch(KEY, target).fetched_bytes == len(CONTENT)
    assert target.read_bytes() == CONTENT
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"another")
    assert downloader(emulator, bucket).fetch(KEY, target).fetched_bytes == 7
    assert target.read_bytes() == b"another"


def test_a_part_that_holds_something_else_is_not_built_upon(
    emulator: str, s3: Any, bucket: str, tmp_path: Path
) -> None:
    etag = s3.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)["ETag"]
    target = tmp_path / "film.zip"
    part_of(target, KEY, etag).write_bytes(bytes(MIB))
    downloader(emulator, bucket).fetch(KEY, target)
    assert target.read_bytes() == CONTENT


def test_an_object_that_came_in_parts_is_verified_part_by_part(
    emulator: str, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    uploader(emulator, bucket, tmp_path).send(file, KEY, METADATA)
    target = tmp_path / "home/film.zip"
    got = downloader(emulator, bucket).fetch(KEY, target)
    assert (target.read_bytes(), got.checksum) == (CONTENT, "MD5 of parts")
    target.write_bytes(bytes(len(CONTENT)))
    assert downloader(emulator, bucket).fetch(KEY, target).fetched_bytes == len(CONTENT)


def test_an_empty_object_and_none(emulator: str, s3: Any, bucket: str, tmp_path: Path) -> None:
    s3.put_object(Bucket=bucket, Key="empty.log", Body=b"")
    assert downloader(emulator, bucket).fetch("empty.log", tmp_path / "empty.log").size_bytes == 0
    assert (tmp_path / "empty.log").read_bytes() == b""
    with pytest.raises(ClientError, match="404"):
        downloader(emulator, bucket).fetch("none.log", tmp_path / "none.log")
    assert not (tmp_path / "none.log").exists()


def test_two_downloads_of_one_file_leave_each_other_alone(
    emulator: str, s3: Any, bucket: str, tmp_path: Path
) -> None:
    etag = s3.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)["ETag"]
    target, begun, go_on = tmp_path / "film.zip", threading.Event(), threading.Event()

    def pause_once(_: int) -> None:
        begun.set()
        assert go_on.wait(60)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(downloader(emulator, bucket).fetch, KEY, target, pause_once)
        try:
            assert begun.wait(60)
            have = size_of(part_of(target, KEY, etag))
            second = downloader(emulator, bucket).fetch(KEY, target)
            assert (target.read_bytes(), second.fetched_bytes) == (CONTENT, len(CONTENT))
            assert size_of(part_of(target, KEY, etag)) == have
        finally:
            go_on.set()
        assert first.result().fetched_bytes == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["film.zip"]


def test_a_process_that_downloads_the_same_file_is_left_alone(
    emulator: str, s3: Any, bucket: str, tmp_path: Path
) -> None:
    """It is killed in the end: what it has got until then serves the next run."""
    etag = s3.put_object(Bucket=bucket, Key=KEY, Body=CONTENT)["ETag"]
    target = tmp_path / "film.zip"
    program = (
        "import sys; from pathlib import Path; from tests.faults.transfers import *; "
        "downloader(sys.argv[1], sys.argv[2]).fetch(KEY, Path(sys.argv[3]))"
    )
    with relay(emulator, silent_after=len(CONTENT) // 2) as relayed:
        command = [sys.executable, "-c", program, relayed.endpoint, bucket, str(target)]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
            try:
                assert relayed.silent.wait(60)
                assert downloader(emulator, bucket).fetch(KEY, target).fetched_bytes == len(CONTENT)
            finally:
                child.kill()
    have = size_of(part_of(target, KEY, etag))
    assert 0 < have < len(CONTENT)
    target.unlink()
    assert downloader(emulator, bucket).fetch(KEY, target).fetched_bytes == len(CONTENT) - have
    assert target.read_bytes() == CONTENT
