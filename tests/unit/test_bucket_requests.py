"""How many requests the agent's bucket makes of a file, and who makes them."""

from collections.abc import Iterator
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

import pytest

from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job
from worker_agent.stores.bucket import ONE_REQUEST_BYTES, Bucket

JOB = a_job("scene-0123456789ab", project="film")
KEY = "film/output/scene-0123456789ab/frames/0001.png"


@pytest.fixture
def aws() -> Iterator[AwsEdges]:
    with aws_edges() as aws:
        yield aws


@pytest.mark.parametrize(
    ("size_bytes", "calls"),
    [
        (1, ["PutObject"]),
        (ONE_REQUEST_BYTES - 1, ["PutObject"]),
        (ONE_REQUEST_BYTES, ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"]),
    ],
)
def test_a_file_goes_in_one_request_unless_it_is_large(
    aws: AwsEdges, tmp_path: Path, size_bytes: int, calls: list[str]
) -> None:
    content = b"\x89" * size_bytes
    (tmp_path / "0001.png").write_bytes(content)
    made: list[tuple[str, bool]] = []

    def hear(model: Any, **_: object) -> None:
        made.append((model.name, current_thread() is main_thread()))

    aws.s3.meta.events.register("before-call.s3", hear)
    Bucket(aws.s3, aws.render_bucket_name).upload_frame_file(
        JOB, "0001.png", tmp_path / "0001.png", blender_version="4.5.15"
    )
    assert [name for name, _ in made] == calls
    assert all(by_this_thread == (size_bytes < ONE_REQUEST_BYTES) for _, by_this_thread in made), (
        "to start threads takes longer than to send a small file"
    )
    stored = aws.s3.get_object(Bucket=aws.render_bucket_name, Key=KEY, ChecksumMode="ENABLED")
    assert stored["Body"].read() == content
    assert (stored["ContentType"], stored["Metadata"]) == ("image/png", {"blender-version": "4.5.15"})
    assert stored["ChecksumCRC32"], "who downloads it compares this, or the ETag"
