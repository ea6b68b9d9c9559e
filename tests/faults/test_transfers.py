"""Transfers over connections that break, and in processes that are killed, against a real emulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from farm.transfer.download import Downloader, part_of, size_of
from farm.transfer.parts import part_bytes
from farm.transfer.patience import GaveUpError, Patience
from farm.transfer.unfinished import Begun, Slot, UnfinishedUploads
from farm.transfer.upload import Uploader, UploadError
from tests.faults.breaking_relay import BreakingRelay
from tests.faults.proxy import FaultProxy, FaultRates
from tests.support.emulator import AwsClients, an_emulator

MIB = 1024**2
CONTENT = os.urandom(MIB) * 5 + b"the end"
PART_BYTES = MIB
PARTS = 6
SMALL_PART_BYTES = 128 * 1024
METADATA = {"frames": "1-4", "scene": "Szene%20%C3%A4"}
KEY = "shots/010/film ä.zip"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


@pytest.fixture
def s3(emulator: str) -> Any:
    """Past all that breaks."""
    return AwsClients(emulator).client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"b-{uuid4()}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.zip"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def proxy(emulator: str) -> Iterator[FaultProxy]:
    """It counts what passes."""
    proxy = FaultProxy(emulator).start()
    yield proxy
    proxy.stop()


def relay(emulator: str, *breaks: int, silent_after: int | None = None) -> Any:
    class Running:
        def __enter__(self) -> BreakingRelay:
            self.relay = BreakingRelay(emulator, breaks, silent_after=silent_after).start()
            return self.relay

        def __exit__(self, *_: object) -> None:
            self.relay.stop()

    return Running()


def uploader(
    endpoint: str, bucket: str, folder: Path, tries: int = 12, each_bytes: int = PART_BYTES
) -> Uploader:
    """Each of its calls is tried once by botocore: what resumes is ours."""
    return Uploader(
        s3=AwsClients(endpoint).client("s3"),
        bucket=bucket,
        unfinished=UnfinishedUploads(folder / "unfinished"),
        patience=Patience(pause=lambda _: None, tries=tries),
        usual_part_bytes=each_bytes,
    )


def downloader(endpoint: str, bucket: str, tries: int = 12) -> Downloader:
    s3 = AwsClients(endpoint).client("s3")
    return Downloader(s3=s3, bucket=bucket, patience=Patience(pause=lambda _: None, tries=tries))


def stored(s3: Any, bucket: str, version_id: str) -> bytes:
    answer = s3.get_object(Bucket=bucket, Key=KEY, VersionId=version_id)
    assert answer["Metadata"] == METADATA
    return bytes(answer["Body"].read())


def test_connections_break_in_the_middle_of_parts(
    emulator: str, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    heard: list[int] = []
    with relay(emulator, 300_000, 1_500_000, 700_000, 10, 2_000_000, 400) as broken:
        sent = uploader(broken.endpoint, bucket, tmp_path).send(
            file, KEY, METADATA, lambda size, found: heard.append(size)
        )
        assert broken.broken >= 4  # how many, the threads decide
    assert (sent.parts_sent, sent.parts_found) == (PARTS, 0)
    assert sum(heard) == len(CONTENT)
    assert stored(s3, bucket, sent.version_id) == CONTENT
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 1, "one upload is one job"
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_what_arrived_before_it_was_given_up_is_not_sent_again(
    emulator: str, proxy: FaultProxy, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    breaks = [1_300_000] * 4 + [1000] * 60
    with relay(emulator, *breaks) as broken, pytest.raises(GaveUpError, match="did not succeed in 2 tries"):
        uploader(broken.endpoint, bucket, tmp_path, tries=2).send(file, KEY, METADATA)
    (begun,) = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    there = s3.list_parts(Bucket=bucket, Key=KEY, UploadId=begun["UploadId"]).get("Parts", [])
    assert 0 < len(there) < PARTS
    sent = uploader(proxy.endpoint, bucket, tmp_path).send(file, KEY, METADATA)
    assert (sent.parts_sent, sent.parts_found) == (PARTS - len(there), len(there))
    assert proxy.counts.requests["s3.UploadPart"] == sent.parts_sent
    assert stored(s3, bucket, sent.version_id) == CONTENT


def test_an_upload_whose_process_was_killed_goes_on(
    emulator: str, proxy: FaultProxy, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.faults.test_transfers import *; "
        "uploader(sys.argv[1], sys.argv[2], Path(sys.argv[3]), each_bytes=SMALL_PART_BYTES)"
        ".send(Path(sys.argv[4]), KEY, METADATA)"
    )
    with relay(emulator, silent_after=len(CONTENT) // 2) as relayed:
        command = [sys.executable, "-c", program, relayed.endpoint, bucket, str(tmp_path), str(file)]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
            assert relayed.silent.wait(60)
            begun = wait_for_parts(s3, bucket)
            child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    parts = -(-len(CONTENT) // SMALL_PART_BYTES)
    there = s3.list_parts(Bucket=bucket, Key=KEY, UploadId=begun)["Parts"]
    assert 0 < len(there) < parts
    sent = uploader(proxy.endpoint, bucket, tmp_path, each_bytes=SMALL_PART_BYTES).send(file, KEY, METADATA)
    assert (sent.parts_sent, sent.parts_found) == (parts - len(there), len(there))
    assert proxy.counts.requests["s3.UploadPart"] == parts - len(there)
    assert proxy.counts.requests["s3.CreateMultipartUpload"] == 0
    assert stored(s3, bucket, sent.version_id) == CONTENT


def wait_for_parts(s3: Any, bucket: str) -> str:
    """The id of the upload that was begun, once a part of it is there."""
    for _ in range(200):
        for begun in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            if s3.list_parts(Bucket=bucket, Key=KEY, UploadId=begun["UploadId"]).get("Parts"):
                return str(begun["UploadId"])
        threading.Event().wait(0.05)
    raise AssertionError("no part arrived")


def test_a_part_that_has_changed_since_is_sent_again(
    emulator: str, proxy: FaultProxy, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    first = uploader(emulator, bucket, tmp_path)
    with first.unfinished.slot(
        bucket=bucket, key=KEY, metadata=METADATA, sizes=(len(CONTENT), PART_BYTES)
    ) as slot:
        begun = s3.create_multipart_upload(
            Bucket=bucket, Key=KEY, Metadata=METADATA, ChecksumAlgorithm="SHA256"
        )
        slot.remember(Begun(upload_id=begun["UploadId"], version_before=""))
        for number in (1, 2):
            s3.upload_part(
                Bucket=bucket,
                Key=KEY,
                UploadId=begun["UploadId"],
                PartNumber=number,
                Body=CONTENT[:MIB] if number == 1 else bytes(MIB),
                ChecksumAlgorithm="SHA256",
            )
    sent = uploader(proxy.endpoint, bucket, tmp_path).send(file, KEY, METADATA)
    assert (sent.parts_sent, sent.parts_found) == (PARTS - 1, 1)
    assert stored(s3, bucket, sent.version_id) == CONTENT


@pytest.mark.parametrize("rates", [FaultRates(drop_after=0.4), FaultRates(server_error=0.5)])
def test_lost_answers_and_errors_make_one_object(
    rates: FaultRates, proxy: FaultProxy, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    proxy.rates = rates
    sent = uploader(proxy.endpoint, bucket, tmp_path, tries=40).send(file, KEY, METADATA)
    assert stored(s3, bucket, sent.version_id) == CONTENT
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 1
    assert sum(proxy.counts.faults.values()) > 0


def test_an_upload_that_was_taken_away_begins_anew(
    emulator: str, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    """As S3 does after seven days."""
    sender = uploader(emulator, bucket, tmp_path)
    with sender.unfinished.slot(
        bucket=bucket, key=KEY, metadata=METADATA, sizes=(len(CONTENT), PART_BYTES)
    ) as slot:
        slot.remember(Begun(upload_id="gone", version_before=""))
    sent = sender.send(file, KEY, METADATA)
    assert (sent.parts_sent, stored(s3, bucket, sent.version_id)) == (PARTS, CONTENT)


def test_an_upload_that_ended_unheard_is_not_sent_again(
    proxy: FaultProxy, s3: Any, bucket: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was killed when the object was there, before it could forget the upload."""
    sender = uploader(proxy.endpoint, bucket, tmp_path)
    with monkeypatch.context() as killed:
        killed.setattr(Slot, "forget", end_here)
        with pytest.raises(KeyboardInterrupt):
            sender.send(file, KEY, METADATA)
    (made,) = s3.list_object_versions(Bucket=bucket)["Versions"]
    heard: list[tuple[int, bool]] = []
    found = sender.send(file, KEY, METADATA, lambda size, found: heard.append((size, found)))
    assert (found.version_id, found.parts_sent, found.parts_found) == (made["VersionId"], 0, PARTS)
    assert heard == [(len(CONTENT), True)]
    again = sender.send(file, KEY, METADATA)
    assert (again.parts_sent, again.version_id == made["VersionId"]) == (PARTS, False), "on purpose"
    assert proxy.counts.requests["s3.CreateMultipartUpload"] == 2


def end_here(_: Slot) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("what", ["an earlier job", "another file", "another frame range"])
def test_an_upload_that_was_taken_away_is_not_taken_for_what_is_there(
    what: str, emulator: str, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    """Where something came that is another person's, or was there before."""
    sender, other = uploader(emulator, bucket, tmp_path), tmp_path / "other.zip"
    other.write_bytes(bytes(len(CONTENT)))
    if what == "an earlier job":
        sender.send(file, KEY, METADATA)
    with pytest.raises(RuntimeError, match="killed"):
        sender.send(file, KEY, METADATA, end_upload)
    (begun,) = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    s3.abort_multipart_upload(Bucket=bucket, Key=KEY, UploadId=begun["UploadId"])
    if what == "another file":
        uploader(emulator, bucket, tmp_path / "theirs").send(other, KEY, METADATA)
    if what == "another frame range":
        uploader(emulator, bucket, tmp_path / "theirs").send(file, KEY, {"frames": "1"})
    sent = sender.send(file, KEY, METADATA)
    assert sent.parts_sent == PARTS
    assert stored(s3, bucket, sent.version_id) == CONTENT
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def end_upload(size_bytes: int, found: bool) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("size_bytes", [1, 8 * MIB, 80_000 * MIB, 80_001 * MIB, 5 * 1024**4])
def test_no_file_has_more_parts_than_s3_takes(size_bytes: int) -> None:
    each = part_bytes(size_bytes)
    assert 8 * MIB <= each <= 600 * MIB
    assert -(-size_bytes // each) <= 10_000


def test_what_cannot_be_sent_is_refused(
    emulator: str, s3: Any, bucket: str, file: Path, tmp_path: Path
) -> None:
    sender = uploader(emulator, bucket, tmp_path)
    empty = tmp_path / "empty.blend"
    empty.touch()
    with pytest.raises(UploadError, match="is empty"):
        sender.send(empty, KEY, {})
    with pytest.raises(UploadError, match="has changed while it was sent"):
        sender.send(file, KEY, METADATA, lambda size, found: os.utime(file, (1, 1)))
    with pytest.raises(ClientError, match="NoSuchBucket"):
        uploader(emulator, "no-such-bucket", tmp_path).send(file, KEY, METADATA)
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


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
        "import sys; from pathlib import Path; from tests.faults.test_transfers import *; "
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
