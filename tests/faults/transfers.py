"""What tests of transfers send and fetch, and with what: each call is tried once, over relays that break."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from farm.transfer.download import Downloader
from farm.transfer.patience import Patience
from farm.transfer.unfinished import UnfinishedUploads
from farm.transfer.upload import Uploader
from tests.faults.breaking_relay import BreakingRelay
from tests.support.emulator import AwsClients

MIB = 1024**2
CONTENT = os.urandom(MIB) * 5 + b"the end"
PART_BYTES = MIB
PARTS = 6
SMALL_PART_BYTES = 128 * 1024
METADATA = {"frames": "1-4", "scene": "Szene%20%C3%A4"}
KEY = "shots/010/film ä.zip"
ROOT = Path(__file__).resolve().parents[2]


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
