"""What S3 tells of uploads, as S3 writes it."""

from typing import Any

import pytest

from functions.accept_upload.notification import UploadedObject, read_notification


def record(key: str, **changes: Any) -> dict[str, Any]:
    thing = {"key": key, "size": 3, "eTag": "e", "versionId": "v1", "sequencer": "0A"}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "films", "arn": "arn:aws:s3:::films"}, "object": thing},
        **changes,
    }


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("shots/010/scene.blend", "shots/010/scene.blend"),
        ("my+film/a%2Bb.blend", "my film/a+b.blend"),
        ("caf%C3%A9/sc%C3%A8ne.blend", "café/scène.blend"),
        ("a%252Fb.blend", "a%2Fb.blend"),
    ],
)
def test_keys_arrive_url_encoded(written: str, key: str) -> None:
    assert list(read_notification({"Records": [record(written)]})) == [UploadedObject("films", key, "v1")]


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "films"},
        {},
        [],
        None,
        "text",
        {"Records": "none"},
        {"Records": [None, 7, {}, {"s3": {}}, {"s3": {"bucket": [], "object": "x"}}]},
        {"Records": [record("a.blend", eventName="ObjectRemoved:Delete")]},
        {"Records": [record("a.blend", s3={"bucket": {"name": 7}, "object": {"key": "a"}})]},
        {"Records": [record("half-a-letter-\ud800.blend")]},
        {"Records": [record("x" * 1019 + ".blend")]},
        {"Records": [record("a.blend", s3={"bucket": {"name": "no/bucket"}, "object": {"key": "a.blend"}})]},
        {
            "Records": [
                record(
                    "a.blend",
                    s3={"bucket": {"name": "films"}, "object": {"key": "a.blend", "versionId": "\ud800"}},
                )
            ]
        },
    ],
)
def test_what_is_no_upload_is_left(event: object) -> None:
    assert list(read_notification(event)) == []


def test_one_bad_record_costs_the_others_nothing() -> None:
    found = list(read_notification({"Records": [{}, record("a.blend"), None, record("b.blend")]}))
    assert [uploaded.key for uploaded in found] == ["a.blend", "b.blend"]


def test_a_bucket_without_versions_names_them_null() -> None:
    event = {"Records": [record("x", s3={"bucket": {"name": "films"}, "object": {"key": "a.blend"}})]}
    assert list(read_notification(event)) == [UploadedObject("films", "a.blend", "null")]
