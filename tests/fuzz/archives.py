"""The archive reader: an archive is unpacked or refused in words, and nothing lands outside its folder."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.target import Target
from worker_agent.bundle import BundleRejectedError, Limits, unpack

LIMITS = Limits(max_files=20, max_unpacked_bytes=2**20, max_ratio=200, free_unpacked_bytes=2**18)
"""Small, so that what is declared too large is refused, and nothing fills the disk of a test."""
_NAMES = st.lists(
    st.sampled_from(
        [
            *("a", "b", "shot.blend", "other.blend", "tex.png", "..", ".", "", "C:", "\\", "\\..\\", "~"),
            *("__MACOSX", "._a", "x" * 256, "é", "\udcff", "\0", "\n", "con", "/tmp", "film.zip", "-rf"),
        ]
    ),
    min_size=1,
    max_size=4,
).map("/".join)
_GOOD_NAMES = st.sampled_from(["tex/a.png", "tex/b.png", "cache/c.vdb", "notes.txt", "tex/é.png"])
_ODD_KINDS = [tarfile.DIRTYPE, b"1", b"2", b"3", b"6", b"M", b"S", b"x", b"L"]
_FINE = st.tuples(_GOOD_NAMES, st.binary(max_size=48), st.just(tarfile.REGTYPE))
_ODD = st.tuples(_NAMES, st.binary(max_size=48), st.sampled_from([tarfile.REGTYPE, *_ODD_KINDS]))
_SCENE = st.tuples(st.just("shot.blend"), st.just(b"BLENDER"), st.just(tarfile.REGTYPE))
_ENTRIES = st.one_of(
    st.tuples(_SCENE, st.lists(_FINE, max_size=3, unique_by=lambda entry: entry[0])).map(
        lambda parts: [parts[0], *parts[1]]
    ),
    st.lists(st.one_of(_SCENE, _FINE, _ODD), max_size=5),
)
_FORMATS = st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


@st.composite
def tars(draw: st.DrawFn) -> bytes:
    """A tar, plain or in gzip. Damage comes before the checksums are made anew, or after."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=draw(_FORMATS)) as archive:
        for name, content, kind in draw(_ENTRIES):
            entry = tarfile.TarInfo(name)
            entry.type, entry.size = kind, len(content)
            entry.linkname = draw(st.sampled_from(["", "/tmp", "../../x"]))
            try:
                archive.addfile(entry, io.BytesIO(content))
            except (ValueError, UnicodeError):
                continue  # what no tar can hold
    written = bytearray(stream.getvalue())
    _damage(draw, written)
    if draw(st.booleans()):
        _sum_headers(written)
    if draw(st.booleans()):
        packed = bytearray(gzip.compress(bytes(written), compresslevel=1, mtime=0))
        if not draw(st.integers(0, 3)):
            _damage(draw, packed)
        return bytes(packed)
    return bytes(written)


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """A zip with damage, much of it in the directory, which nothing sums up."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content, _ in draw(_ENTRIES):
            entry = zipfile.ZipInfo(name.replace("\0", "0").encode("utf-8", "replace").decode())
            mode = draw(st.sampled_from([0, stat.S_IFREG, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFDIR]))
            entry.external_attr = mode << 16
            entry.compress_type = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
            if entry.filename not in archive.namelist():
                archive.writestr(entry, content)
    written = bytearray(stream.getvalue())
    start = written.find(b"PK\x01\x02") if draw(st.booleans()) else 0
    _damage(draw, written, max(0, start))
    return bytes(written)


_NEW_BYTES = st.one_of(
    st.sampled_from([b"\xff", b"\0", b"\x80", b"7", b"\xff\xff\xff\xff"]), st.binary(max_size=8)
)
_BEGINNINGS = st.sampled_from([b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08\0", b"BLENDER", b"Rar!", b""])
RAW = st.tuples(_BEGINNINGS, st.binary(max_size=600)).map(lambda parts: parts[0] + parts[1])
ARCHIVES: SearchStrategy[bytes] = st.one_of(tars(), tars(), zips(), zips(), RAW)


def _damage(draw: st.DrawFn, content: bytearray, start: int = 0) -> None:
    """Other bytes at some places; sometimes the end is missing."""
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 4]))):
        if len(content) > start:
            at = draw(st.integers(start, len(content) - 1))
            new = draw(_NEW_BYTES)
            content[at : at + len(new)] = new
    if not draw(st.integers(0, 7)):
        del content[draw(st.integers(0, len(content))) :]


def _sum_headers(content: bytearray) -> None:
    """Right checksums for all headers, so that damage in them is believed."""
    for at in range(0, len(content) - 511, 512):
        header = content[at : at + 512]
        if header[257:262] == b"ustar":
            header[148:156] = b" " * 8
            content[at + 148 : at + 156] = b"%06o\0 " % sum(header)


@cache
def _place() -> Path:
    """A folder of this process, in memory where that is possible, gone with it."""
    memory = Path("/dev/shm")
    keeper = tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory if os.access(memory, os.W_OK) else None)
    _kept.append(keeper)
    return Path(keeper.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def check(content: bytes) -> str:
    place = _place()
    archive, folder = place / "film.zip", place / "in" / "project"
    folder.mkdir(parents=True)
    archive.write_bytes(content)
    try:
        blend = unpack(archive, folder, limits=LIMITS)
    except BundleRejectedError as error:
        assert str(error).startswith("film.zip ") and len(str(error)) < 2_000, error
        outcome = "refused"
    else:
        assert blend.is_file() and folder in blend.parents, blend
        outcome = "unpacked"
    assert sorted(p.name for p in place.iterdir()) == ["film.zip", "in"]
    assert [p.name for p in folder.parent.iterdir()] == ["project"]
    _only_plain_files(folder)
    shutil.rmtree(folder.parent)
    return outcome


def _only_plain_files(folder: Path) -> None:
    bytes_there = 0
    for path in folder.rglob("*"):
        status = path.lstat()
        assert stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode), path
        bytes_there += status.st_size if stat.S_ISREG(status.st_mode) else 0
    assert bytes_there <= LIMITS.max_unpacked_bytes, bytes_there


TARGET = Target(name="archives", inputs=ARCHIVES, check=check)
