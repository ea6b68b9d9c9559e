"""The listener: whatever S3's event and an object's metadata hold, it makes a job, refuses it, or leaves it.

Its clients check and write every request as on AWS; what AWS would answer is canned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contract.tasks import BakeTask, decode
from functions.accept_upload.intake import Intake
from functions.accept_upload.notification import read_notification
from tests.fuzz.canned_aws import client, empty
from tests.fuzz.target import Target
from tests.fuzz.texts import TEXTS, VALUES, damaged, weighed

Event = tuple[Any, Mapping[str, str], int]
"""What S3 tells, and the metadata and bytes of the object that it tells of."""

_PLAIN_KEYS = st.sampled_from(["shots/010/a.blend", "caf%C3%A9/%C3%A8.BLEND", "film.tar.gz", "a+b.zip"])
_KEYS = weighed(
    (4, _PLAIN_KEYS),
    (1, TEXTS),
    (1, TEXTS.map(lambda text: f"{text}/shot.blend")),
    (1, TEXTS.map(lambda text: f"{text}.zip")),
)
_RECORDS = st.fixed_dictionaries(
    {
        "eventVersion": st.just("2.1"),
        "eventName": st.sampled_from(["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload"]),
        "s3": st.fixed_dictionaries(
            {
                "bucket": st.fixed_dictionaries({"name": st.just("films")}),
                "object": st.fixed_dictionaries(
                    {"key": _KEYS, "size": st.integers(0, 2**50), "versionId": st.just("v1")}
                ),
            }
        ),
    }
)
_EVENTS = st.fixed_dictionaries({"Records": st.lists(_RECORDS, min_size=1, max_size=2)})
_GOOD = {
    "frames": ["1-10", "1-100x2,150", "7;9"],
    "scene": ["Scene", "Sz%C3%A8ne"],
    "camera": ["Camera"],
    "engine": ["cycles", "EEVEE"],
    "samples": ["8"],
    "resolution-percentage": ["50"],
    "blender_version": ["4.5", "4.5.15"],
    "allow_missing": ["yes", "no"],
    "max_attempts": ["2"],
    "frame_timeout_seconds": ["600"],
    "stop_failed_percentage": ["90"],
    "device": ["cpu", "gpu"],
    "allow_scripts": ["no"],
    "priority": ["high"],
    "mtime": ["1"],
}
"""Options and values that are fine, so that other parts of an upload are looked at."""
_FINE = st.sampled_from([(name, value) for name, values in _GOOD.items() for value in values])
_ODD = st.tuples(
    st.one_of(st.sampled_from([*_GOOD, "start_frame", "end_frame", "blend", "Frames"]), TEXTS), TEXTS
)
_METADATA = weighed(
    (2, st.lists(_FINE, max_size=3).map(dict)), (3, st.lists(st.one_of(_FINE, _ODD), max_size=4).map(dict))
)
_SIZES = weighed((6, st.integers(1, 2**30)), (1, st.sampled_from([0, 2**40])))
EVENTS: SearchStrategy[Event] = st.tuples(
    weighed((4, _EVENTS), (4, damaged(_EVENTS)), (1, VALUES)), _METADATA, _SIZES
)


class Listener:
    """The real intake; `sent` are the messages that it put on the bake queue."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.stored = 0
        self._metadata: Mapping[str, str] = {}
        self._bytes = 0
        self._intake = Intake(
            table_name="jobs",
            queue_url="https://sqs.eu-central-1.amazonaws.com/1/bake",
            dynamodb=client("dynamodb", self._store),
            s3=client("s3", self._head),
            sqs=client("sqs", self._send),
            now=lambda: datetime(2026, 11, 30, tzinfo=UTC),
            when_queued=lambda: None,
        )

    def hear(self, event: Any, metadata: Mapping[str, str], size_bytes: int) -> list[str]:
        """What the listener says of each upload in the event."""
        self.sent, self.stored = [], 0
        self._metadata, self._bytes = metadata, size_bytes
        return [self._intake.accept(uploaded) for uploaded in read_notification(event)]

    def _head(self, request: AWSPreparedRequest) -> tuple[Mapping[str, str], bytes]:
        told = {f"x-amz-meta-{name}": value for name, value in self._metadata.items()}
        return {**told, "Content-Length": str(self._bytes)}, b""

    def _store(self, request: AWSPreparedRequest) -> tuple[Mapping[str, str], bytes]:
        self.stored += b"PutItem" in str(request.headers["X-Amz-Target"]).encode()
        return empty(request)

    def _send(self, request: AWSPreparedRequest) -> tuple[Mapping[str, str], bytes]:
        assert isinstance(request.body, bytes | str)
        body = json.loads(request.body)["MessageBody"]
        self.sent.append(body)
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        return {}, json.dumps({"MessageId": "m", "MD5OfMessageBody": digest}).encode()


@cache
def _listener() -> Listener:
    return Listener()


def check(event: Event) -> str:
    listener = _listener()
    said = listener.hear(*event)
    jobs = [words for words in said if words.startswith("job ")]
    queued = [words for words in jobs if words.endswith(" queued")]
    assert len(jobs) == listener.stored, said
    assert len(queued) == len(listener.sent), said
    assert all(isinstance(decode(body), BakeTask) for body in listener.sent)
    return "queued" if queued else "refused" if jobs else "left"


TARGET = Target(name="listener", inputs=EVENTS, check=check)
