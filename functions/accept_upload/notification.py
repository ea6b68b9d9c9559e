"""What S3 tells of an upload."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

log = logging.getLogger(__name__)

MOST_BYTES = 1024
"""Of a key, and of a version's id (S3's guide, "Naming Amazon S3 objects", "How S3 Versioning works")."""
_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}")
"""The names of old buckets were longer and freer than those of new ones."""


@dataclass(frozen=True, slots=True)
class UploadedObject:
    bucket: str
    key: str
    version: str
    """`null`, S3's own name for it, where the bucket was not versioned."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key} version {self.version}"


def read_notification(event: Any) -> Iterator[UploadedObject]:
    """The objects that an S3 notification tells of, their keys decoded; the rest is logged and left.

    `s3:TestEvent` has no records: it comes once when the notification is set up.
    """
    if not isinstance(event, dict) or not isinstance(event.get("Records"), list):
        name = event.get("Event") if isinstance(event, dict) else type(event).__name__
        log.info("ignored: no records of uploads (%.80r)", name)
        return
    for record in event["Records"]:
        try:
            s3 = record["s3"]
            bucket, key = s3["bucket"]["name"], s3["object"]["key"]
            version = s3["object"].get("versionId") or "null"
            if not str(record["eventName"]).startswith("ObjectCreated:"):
                raise ValueError(f"event {record['eventName']!r} creates nothing")
            if not all(isinstance(value, str) for value in (bucket, key, version)):
                raise TypeError("bucket, key and version must be texts")
            uploaded = UploadedObject(bucket, unquote_plus(key), version)
            _require_names(uploaded)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("ignored: %.200r is no upload (%r)", record, error)
            continue
        yield uploaded


def _require_names(uploaded: UploadedObject) -> None:
    """Raises ValueError for what S3 gives no bucket, key or version as a name: no request can hold it."""
    if not _BUCKET.fullmatch(uploaded.bucket):
        raise ValueError(f"{uploaded.bucket[:80]!r} is no bucket's name")
    # half a letter, which UTF-8 cannot hold, is a ValueError of its own
    for name in (uploaded.key.encode(), uploaded.version.encode()):
        if len(name) > MOST_BYTES:
            raise ValueError(f"a name of {len(name)} bytes: expected at most {MOST_BYTES}")
