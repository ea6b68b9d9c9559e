"""Archives, honest and hostile, real ones."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from worker_agent import bundle
from worker_agent.bundle import BundleRejectedError, is_bundle, unpack


def tar(path: Path, *entries: tuple[tarfile.TarInfo | str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for entry, content in entries:
            info = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, *entries: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.mark.parametrize("pack", [(tar, "a.tar.gz"), (tar, "a.TGZ"), (zipped, "a.zip")], ids=lambda p: p[1])
def test_a_scene_and_what_lies_beside_it_is_unpacked(
    pack: tuple[Callable[..., Path], str], tmp_path: Path, folder: Path
) -> None:
    make, name = pack
    archive = make(tmp_path / name, ("film/shot é.blend", b"BLEND"), ("film/textures/wood.png", b"PNG"))
    assert is_bundle(name)
    assert unpack(archive, folder) == folder / "film/shot é.blend"
    assert (folder / "film/textures/wood.png").read_bytes() == b"PNG"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: tar(p / "a.tgz", ("/etc/x.blend", b"")), "'/etc/x.blend', a path outside"),
        (lambda p: tar(p / "a.tgz", ("a/../../x.blend", b"")), "a path outside"),
        (lambda p: zipped(p / "a.zip", ("../x.blend", b"")), "a path outside"),
        (lambda p: zipped(p / "a.zip", ("C:\\x.blend", b"")), "a path outside"),
        (lambda p: tar(p / "a.tgz", (special("l", tarfile.SYMTYPE, "/etc"), b"")), "a link or a device"),
        (lambda p: tar(p / "a.tgz", (special("l", tarfile.LNKTYPE, "x"), b"")), "a link or a device"),
        (lambda p: tar(p / "a.tgz", (special("d", tarfile.CHRTYPE), b"")), "a link or a device"),
        (lambda p: tar(p / "a.tgz", (special("f", tarfile.FIFOTYPE), b"")), "a link or a device"),
        (lambda p: tar(p / "a.tgz", ("a.blend", b""), ("b.blend", b"")), "2 .blend files (a.blend, b.blend)"),
        (lambda p: tar(p / "a.tgz", ("x" * 300 + ".blend", b"")), "cannot be unpacked"),
        (lambda p: zipped(p / "a.zip", ("a", b""), ("a/b.blend", b"")), "cannot be unpacked"),
        (lambda p: tar(p / "a.tgz", ("a.txt", b"")), "holds no .blend file: expected one"),
    ],
)
def test_a_bad_archive_is_refused_with_the_reason(
    make: Callable[[Path], Path], said: str, tmp_path: Path, folder: Path
) -> None:
    archive = make(tmp_path)
    with pytest.raises(BundleRejectedError) as error:
        unpack(archive, folder)
    assert said in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([archive.name, "project"])


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
def test_a_broken_archive_is_refused(name: str, tmp_path: Path, folder: Path) -> None:
    make: Callable[..., Path] = zipped if name.endswith("zip") else tar
    whole = make(tmp_path / name, ("a.blend", os.urandom(50_000))).read_bytes()
    for content in (whole[: len(whole) // 2], b"no archive at all", b""):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BundleRejectedError, match=f"^{name} cannot be unpacked: "):
            unpack(tmp_path / name, folder)


def test_an_encrypted_zip_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = zipped(tmp_path / "a.zip", ("a.blend", b"BLEND"))
    content = bytearray(archive.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    archive.write_bytes(content)
    with pytest.raises(BundleRejectedError, match="locked with a password"):
        unpack(archive, folder)


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_bomb_is_refused_before_anything_is_written(
    make: Callable[..., Path], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "a.zip" if make is zipped else "a.tgz"
    monkeypatch.setattr(bundle, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(BundleRejectedError, match="more than 1000 bytes"):
        unpack(make(tmp_path / name, ("a.blend", bytes(999)), ("b", bytes(2))), folder)
    monkeypatch.setattr(bundle, "MAX_FILES", 3)
    with pytest.raises(BundleRejectedError, match="more than 3 files"):
        unpack(make(tmp_path / name, *((f"{i}", b"") for i in range(9))), folder)
    assert not list(folder.iterdir())


def test_what_a_mac_packs_beside_a_scene_is_no_scene(tmp_path: Path, folder: Path) -> None:
    archive = tar(tmp_path / "a.tgz", ("._shot.blend", b"Mac"), ("shot.blend", b"BLEND"))
    assert unpack(archive, folder) == folder / "shot.blend"
