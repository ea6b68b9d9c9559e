"""Uploads over connections that break, and in processes that are killed, against a real emulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from farm.transfer.parts import part_bytes
from farm.transfer.patience import GaveUpError
from farm.transfer.unfinished import Begun, Slot
from farm.transfer.upload import UploadError
from tests.faults.proxy import FaultProxy, FaultRates
from tests.faults.transfers import (
    CONTENT,
    KEY,
    METADATA,
    MIB,
    PART_BYTES,
    PARTS,
    ROOT,
    SMALL_PART_BYTES,
    relay,
    stored,
    uploader,
)


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
        "import sys; from pathlib import Path; from tests.faults.transfers import *; "
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
