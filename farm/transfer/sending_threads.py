"""The threads that send a file's parts, and how each part is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from farm.transfer.parts import Part, checksum, read_part
from farm.transfer.patience import Patience

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_THREADS: Final = 4
_LOOK_SECONDS: Final = 0.1


@dataclass(slots=True, kw_only=True)
class SendingThreads:
    """The threads of one upload: each holds one part in memory."""

    s3: S3Client
    bucket: str
    patience: Patience
    file: Path
    key: str
    upload_id: str
    there: Mapping[int, CompletedPartTypeDef]
    """What an earlier run has sent, by its number. A part that is the same is not sent again."""
    tell: Callable[[int, bool], object]
    done: dict[int, CompletedPartTypeDef] = field(default_factory=dict)
    sent: int = 0
    found: int = 0
    _errors: list[Exception] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self, parts: Iterator[Part]) -> None:
        """Until every part is there. What a thread raises ends all; an interruption waits for none."""
        threads = [
            threading.Thread(target=self._work, args=(parts,), name=f"upload {number}", daemon=True)
            for number in range(_THREADS)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive() and not self._errors:
                    thread.join(_LOOK_SECONDS)
        finally:
            self._ended.set()
        if self._errors:
            raise self._errors[0]

    def _work(self, parts: Iterator[Part]) -> None:
        try:
            while not self._ended.is_set():
                with self._lock:
                    part = next(parts, None)
                if part is None:
                    return
                self._send(part)
        except Exception as error:  # told to the thread that waits
            self._errors.append(error)

    def _send(self, part: Part) -> None:
        content = read_part(self.file, part)
        digest = checksum(content)
        there = self.there.get(part.number)
        if there and there.get("ChecksumSHA256") == digest:
            self._take(part, there, found=True)
            return
        answer = self.patience.call(
            f"part {part.number} of {self.key}",
            lambda: self.s3.upload_part(
                Bucket=self.bucket,
                Key=self.key,
                UploadId=self.upload_id,
                PartNumber=part.number,
                Body=content,
                ChecksumSHA256=digest,
            ),
        )
        made: CompletedPartTypeDef = {
            "PartNumber": part.number,
            "ETag": answer["ETag"],
            "ChecksumSHA256": digest,
        }
        self._take(part, made, found=False)

    def _take(self, part: Part, made: CompletedPartTypeDef, *, found: bool) -> None:
        with self._lock:
            self.done[part.number] = made
            self.found += found
            self.sent += not found
            self.tell(part.size_bytes, found)
