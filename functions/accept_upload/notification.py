"""What S3 tells of an upload."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

log = logging.getLogger(__name__)


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
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("ignored: %.200r is no upload (%r)", record, error)
            continue
        yield UploadedObject(bucket, unquote_plus(key), version)
