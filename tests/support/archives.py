"""Makers of archives; the big ones are made without writing what they unpack to."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

MIB = 1024**2


def tar(path: Path, *entries: tuple[tarfile.TarInfo | str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for entry, content in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped_as(name: str, mode: int, method: int = zipfile.ZIP_STORED) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, mode << 16, method
    return info


def with_password(path: Path) -> Path:
    """A zip whose one entry says that it is encrypted."""
    content = bytearray(zipped(path, ("shot.blend", b"BLEND")).read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    path.write_bytes(content)
    return path


def cut_off(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def zeros_tar(path: Path, gib: int) -> Path:
    """A tar of one file of zeros: a deflate block that repeats. Nobody should read it to its checksum."""
    header = tarfile.TarInfo("shot.blend")
    header.size = gib * 1024 * MIB
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
        file.write(_deflated(header.tobuf(tarfile.GNU_FORMAT)))
        block = _deflated(bytes(16 * MIB))
        for _ in range(gib * 64):
            file.write(block)
        file.write(zlib.compressobj(wbits=-15).flush() + bytes(8))
    return path


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)


def zeros_zip(path: Path, gib: int) -> Path:
    """The same as a zip, in the 64-bit form that sizes over 4 GB take."""
    size, block = gib * 1024 * MIB, _deflated(bytes(16 * MIB))
    content = block * (gib * 64) + zlib.compressobj(wbits=-15).flush()
    name = b"shot.blend"
    sizes = struct.pack("<HHQQ", 1, 16, size, len(content))
    common = struct.pack("<HHHHHIIIHH", 45, 0, 8, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(sizes))
    local = b"PK\x03\x04" + common + name + sizes
    with path.open("wb") as file:
        file.write(local + content)
        entry = b"PK\x01\x02" + struct.pack("<H", 45) + common + bytes(14) + name + sizes
        file.write(entry + _zip_end(1, len(entry), len(local) + len(content)))
    return path


def many_tar(path: Path, count: int) -> Path:
    header = bytearray(tarfile.TarInfo("a/0000000").tobuf(tarfile.USTAR_FORMAT)[:512])
    header[148:156] = b" " * 8
    without_digits = sum(header) - 7 * ord("0")
    with gzip.open(path, "wb", compresslevel=1) as file:
        for number in range(count):
            header[2:9] = digits = b"%07d" % number
            header[148:156] = b"%06o\0 " % (without_digits + sum(digits))
            file.write(header)
        file.write(bytes(10_240))
    return path


def many_zip(path: Path, count: int, said: int | None = None) -> Path:
    """Entries by the million, each six letters long; the end record says how many there are, or lies."""
    fixed = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 6) + bytes(16)
    with path.open("wb") as file:
        file.write(b"PK\x03\x04" + bytes(22) + struct.pack("<HH", 6, 0) + b"000000")
        begin = file.tell()
        for number in range(count):
            file.write(fixed + b"%06d" % (number % 1_000_000))
        file.write(_zip_end(count if said is None else said, file.tell() - begin, begin))
    return path


def _zip_end(count: int, directory_bytes: int, directory_offset: int) -> bytes:
    """The end record in its 64-bit form, and the old one that leads to it."""
    at = directory_offset + directory_bytes
    large = struct.pack(
        "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, directory_bytes, directory_offset
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    small = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return large + locator + small
