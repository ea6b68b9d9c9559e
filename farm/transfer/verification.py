"""Whether a file here is the object there, by what S3 knows of the object."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_MD5_OF_PARTS: Final = re.compile(r"([0-9a-f]{32})-(\d{1,5})")
_CHUNK_BYTES: Final = 1024 * 1024
_FIRST: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One object as it is now."""

    etag: str
    size_bytes: int
    checksum: str
    """Which one is compared: `SHA256`, `MD5`, `MD5 of parts`, `CRC32`; empty: only the size is known."""
    value: str
    part_bytes: int = 0
    """Of an object that was sent in parts."""

    def fits(self, file: Path) -> bool:
        """Raises OSError."""
        if not file.is_file() or file.stat().st_size != self.size_bytes:
            return False
        digest = _DIGESTS.get(self.checksum)
        return digest is None or digest(file, self.part_bytes) == self.value


def identify(s3: S3Client, bucket: str, key: str) -> Identity:
    """Ask for an object's size and checksums. Raises ClientError."""
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    etag, size_bytes = head["ETag"].strip('"'), head["ContentLength"]
    name, value, part_bytes = _checksum(head, etag)
    if name == "MD5 of parts":
        count = int(etag.rpartition("-")[2])
        part_bytes = _first_part_bytes(s3, bucket, key)
        if not part_bytes or -(-size_bytes // part_bytes) != count:  # parts of several sizes
            name, value, part_bytes = "", "", 0
    return Identity(
        etag=head["ETag"], size_bytes=size_bytes, checksum=name, value=value, part_bytes=part_bytes
    )


def _first_part_bytes(s3: S3Client, bucket: str, key: str) -> int:
    """The part itself is not read."""
    answer = s3.get_object(Bucket=bucket, Key=key, PartNumber=_FIRST)
    answer["Body"].close()
    return answer["ContentLength"]


def _checksum(head: HeadObjectOutputTypeDef, etag: str) -> tuple[str, str, int]:
    """The best that there is. With a key of one's own, S3's ETag is no checksum."""
    sha256, crc32 = head.get("ChecksumSHA256", ""), head.get("ChecksumCRC32", "")
    if sha256 and "-" not in sha256:
        return "SHA256", sha256, 0
    foreign_key = head.get("ServerSideEncryption", "").startswith("aws:") or head.get("SSECustomerAlgorithm")
    if _MD5.fullmatch(etag) and not foreign_key:
        return "MD5", etag, 0
    if crc32 and "-" not in crc32:
        return "CRC32", crc32, 0
    if _MD5_OF_PARTS.fullmatch(etag) and not foreign_key:
        return "MD5 of parts", etag, 0
    return "", "", 0


def _sha256(file: Path, _: int) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(file, _CHUNK_BYTES):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def _md5(file: Path, _: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(file, _CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _crc32(file: Path, _: int) -> str:
    value = 0
    for chunk in _chunks(file, _CHUNK_BYTES):
        value = zlib.crc32(chunk, value)
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def _md5_of_parts(file: Path, part_bytes: int) -> str:
    digests = [hashlib.md5(part, usedforsecurity=False).digest() for part in _chunks(file, part_bytes)]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def _chunks(file: Path, size_bytes: int) -> Iterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(size_bytes):
            yield chunk


_DIGESTS: Final[dict[str, Callable[[Path, int], str]]] = {
    "SHA256": _sha256,
    "MD5": _md5,
    "CRC32": _crc32,
    "MD5 of parts": _md5_of_parts,
}
