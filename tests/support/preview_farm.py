"""A bucket with small pictures of a job's frames, of which the real encoder makes a preview."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job
from contract.stored_part import FrameParts, StoredPart, whole_key
from tests.support.aws_edges import AwsEdges
from tests.support.jobs import a_job
from worker_agent.output_check import Pictures
from worker_agent.preview import Made, PreviewMaker
from worker_agent.services.patience import held
from worker_agent.stores.bucket import Bucket
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.task_queue import Message, TaskQueue

JOB = a_job("scene-0123456789ab", project="film", scene={"fps": "24.0", "width": 64, "height": 48})
RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def jpeg(color: tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "JPEG", quality=92, subsampling=0)
    return file.getvalue()


def done(frame: int) -> FrameRecord:
    return FrameRecord(frame=frame, state=FrameState.DONE)


def failed(frame: int, reason: str) -> FrameRecord:
    return FrameRecord(frame=frame, state=FrameState.FAILED, reason=reason)


@dataclass
class Farm:
    aws: AwsEdges
    folder: Path
    job: Job
    parts: dict[int, FrameParts] = field(default_factory=dict)
    """Of frames that have pictures, as their records would say it."""

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.aws.s3, self.aws.render_bucket_name)
        self.lease = Lease(
            TaskQueue(self.aws.sqs, self.aws.bake_queue_url), Message("m", "r", ""), 120, lambda: None
        )

    def has(self, frame: int, picture: bytes, note: str = "") -> None:
        pictures = {frame: Pictures(thumbnail=picture, proxy=picture, note=note)}
        self.parts.update(self.bucket.put_pictures(self.job, pictures))

    def make(self, frames: Sequence[FrameRecord], **options: Any) -> Made:
        """Of records that say nothing of their pictures where those of `has` are."""

        def folder() -> Path:
            path = self.folder / "made"
            path.mkdir()
            return path

        maker = PreviewMaker(self.bucket, folder=folder, **options)
        with held(self.lease, lambda: False):  # as the agent's loop does a task
            made = maker.make(self.job, [self._told(frame) for frame in frames], self.lease)
        assert not (self.folder / "made").exists()
        return made

    def _told(self, record: FrameRecord) -> FrameRecord:
        parts = self.parts.get(record.frame)
        if record.proxy or not parts:
            return record
        return replace(record, proxy=parts.proxy, thumbnail=parts.thumbnail)

    def proxy_of(self, frame: int) -> StoredPart:
        part = self.parts[frame].proxy
        assert part
        return part

    def key(self, name: str) -> str:
        """In the bucket, as a record's part or a name in the job's output says it."""
        return whole_key(name, output=f"film/output/{self.job.job_id}/")

    def put(self, name: str, content: bytes) -> None:
        """Over what is there."""
        self.aws.s3.put_object(Bucket=self.aws.render_bucket_name, Key=self.key(name), Body=content)

    def stored(self, name: str) -> bytes:
        return self.aws.s3.get_object(Bucket=self.aws.render_bucket_name, Key=self.key(name))["Body"].read()

    def sheet(self) -> Any:
        return np.asarray(Image.open(io.BytesIO(self.stored("contact_sheet.jpg")))).astype(int)

    def video(self) -> "Video":
        return Video(self.stored("preview.mp4"))


class Video:
    def __init__(self, data: bytes) -> None:
        with av.open(io.BytesIO(data), "r") as container:
            (stream,) = container.streams
            assert isinstance(stream, av.VideoStream)
            self.codec, self.pixels = stream.codec_context.name, stream.codec_context.pix_fmt
            self.rate, self.size = stream.average_rate, (stream.width, stream.height)
            self.colorspace = int(stream.codec_context.colorspace)
            self.frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(stream)]
            self.counted = stream.frames
            self.seconds = (
                float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0
            )
        self.index_first = data.index(b"moov") < data.index(b"mdat")

    def shows(self, number: int, color: tuple[int, int, int]) -> bool:
        height, width, _ = self.frames[number].shape
        return bool(abs(self.frames[number][height // 2, width // 2] - color).max() < 16)
