"""Archives, honest and hostile, real ones."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import (
    many_tar,
    many_zip,
    special,
    tar,
    with_password,
    zeros_zip,
    zipped,
    zipped_as,
)
from tests.support.hostile_archives import ESCAPED, HOSTILE, Hostile
from worker_agent.bundle import BundleRejectedError, Limits, unpack

ROOT = Path(__file__).resolve().parents[2]
MAKERS: list[tuple[Callable[..., Path], str]] = [
    (tar, "a.tar.gz"),
    (tar, "a.TGZ"),
    (zipped, "a.zip"),
    (tar, "a tar.zip"),
    (zipped, "a zip.tgz"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def refusal(archive: Path, folder: Path, blend: str | None = None, limits: Limits | None = None) -> str:
    with pytest.raises(BundleRejectedError) as error:
        unpack(archive, folder, blend, limits)
    assert str(error.value).startswith(f"{archive.name} ")
    return str(error.value)


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestHonest:
    @pytest.mark.parametrize(("make", "name"), MAKERS, ids=[name for _, name in MAKERS])
    def test_a_scene_and_what_lies_beside_it_is_unpacked(
        self, make: Callable[..., Path], name: str, tmp_path: Path, folder: Path
    ) -> None:
        """Whatever the name says of the kind of archive."""
        archive = make(tmp_path / name, ("film/shot é.blend", b"BLEND"), ("film/textures/wood.png", b"PNG"))
        assert unpack(archive, folder) == folder / "film/shot é.blend"
        assert (folder / "film/textures/wood.png").read_bytes() == b"PNG"

    def test_a_plain_tar_is_unpacked(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", ("shot.blend", b"BLEND"), mode="w")
        assert unpack(archive, folder) == folder / "shot.blend"

    def test_modes_are_plain(self, tmp_path: Path, folder: Path) -> None:
        loud, locked, room = (tarfile.TarInfo(name) for name in ("shot.blend", "locked.png", "room"))
        loud.mode, locked.mode, room.mode, room.type = 0o6777, 0, 0, tarfile.DIRTYPE
        unpack(
            tar(tmp_path / "a.tgz", (room, b""), (loud, b"B"), (locked, b"P"), ("room/a.png", b"P")), folder
        )
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
        assert modes == {0o644}
        shutil.rmtree(folder / "room")
        entry = zipped_as("z.blend", stat.S_IFREG | 0o4755)
        zip_folder = tmp_path / "zip"
        zip_folder.mkdir()
        assert unpack(zipped(tmp_path / "a.zip", (entry, b"B")), zip_folder).stat().st_mode & 0o7777 == 0o644

    def test_what_a_mac_packs_beside_a_scene_is_left_out(self, tmp_path: Path, folder: Path) -> None:
        archive = zipped(
            tmp_path / "a.zip",
            ("__MACOSX/film/._shot.blend", b"M"),
            ("film/shot.blend", b"B"),
            ("film/._a", b"M"),
        )
        assert unpack(archive, folder) == folder / "film/shot.blend"
        assert written(folder) == ["film/shot.blend"]

    @pytest.mark.parametrize("flag", [0, 0x800], ids=["as a Mac writes it", "as the standard says"])
    def test_utf8_names_in_a_zip(self, flag: int, tmp_path: Path, folder: Path) -> None:
        archive = zipped(tmp_path / "a.zip", ("aa.blend", b"B"))
        content = archive.read_bytes().replace(b"aa.blend", "é.blend".encode())
        content = content.replace(b"\x14\0\0\0\x08\0", b"\x14\0" + flag.to_bytes(2, "little") + b"\x08\0")
        archive.write_bytes(content)
        assert unpack(archive, folder).name == "é.blend"

    def test_old_names_in_a_zip(self, tmp_path: Path, folder: Path) -> None:
        archive = zipped(tmp_path / "a.zip", ("a?.blend", b"B"))
        archive.write_bytes(archive.read_bytes().replace(b"a?.blend", b"a\x82.blend"))
        assert unpack(archive, folder).name == "aé.blend", "byte 0x82 of the PC's code page 437"

    def test_backslashes_of_windows_are_folders(self, tmp_path: Path, folder: Path) -> None:
        archive = zipped(tmp_path / "a.zip", ("film\\shot.blend", b"B"), ("film\\maps\\", b""))
        assert unpack(archive, folder) == folder / "film/shot.blend"
        assert (folder / "film/maps").is_dir()

    def test_bytes_that_are_no_text_name_a_texture_as_they_are(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", ("shot.blend", b"B"), ("w\udcff.png", b"P"))
        unpack(archive, folder)
        assert (folder / os.fsdecode(b"w\xff.png")).read_bytes() == b"P"
        archive = tar(tmp_path / "b.tgz", ("w\udcff.blend", b"B"))
        assert "a name that is no text: rename it" in refusal(archive, folder)

    def test_a_long_name(self, tmp_path: Path, folder: Path) -> None:
        name = "/".join(["a folder with a long name"] * 9) + "/shot.blend"
        for number, form in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
            path = tmp_path / f"{number}.tgz"
            with tarfile.open(path, "w:gz", format=form) as archive:
                archive.addfile(tarfile.TarInfo(name))
            assert unpack(path, folder) == folder / name
            shutil.rmtree(folder / "a folder with a long name")

    @pytest.mark.parametrize("form", ["gnu", "posix"])
    def test_a_file_with_holes(self, form: str, tmp_path: Path, folder: Path) -> None:
        """As `tar --sparse` packs it."""
        with (tmp_path / "shot.blend").open("wb") as file:
            file.write(b"BLENDER")
            file.seek(1024**2)
            file.write(b"end")
        archive = tmp_path / "a.tgz"
        command = [
            "tar",
            "--sparse",
            f"--format={form}",
            "-C",
            str(tmp_path),
            "-czf",
            str(archive),
            "shot.blend",
        ]
        subprocess.run(command, check=True)
        assert unpack(archive, folder).read_bytes() == (tmp_path / "shot.blend").read_bytes()

    def test_the_numbers_of_an_honest_project_are_no_bomb(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", ("shot.blend", bytes(20 * 1024**2)))
        assert archive.stat().st_size * 200 < 20 * 1024**2
        assert unpack(archive, folder).stat().st_size == 20 * 1024**2


class TestChoice:
    def test_the_option_chooses_among_several(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", ("./film/a.blend", b"A"), ("film/b.blend", b"B"))
        assert unpack(archive, folder, "film/b.blend") == folder / "film/b.blend"
        assert written(folder) == ["film/a.blend", "film/b.blend"]

    def test_what_is_not_there_is_answered_with_what_is(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", ("film/a.blend", b"A"), ("film/b.blend", b"B"))
        said = refusal(archive, folder, "b.blend")
        assert (
            "no 'b.blend', which the option blend asks for: 2 .blend files (film/a.blend, film/b.blend)"
            in said
        )
        assert "no .blend file in it" in refusal(tar(tmp_path / "b.tgz", ("a", b"")), folder, "b.blend")

    def test_several_without_the_option_are_listed(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", *((f"{n:02}.blend", b"") for n in range(40)))
        said = refusal(archive, folder)
        assert "40 .blend files (00.blend, 01.blend, 02.blend, 03.blend, 04.blend and 35 more)" in said
        assert "blend=00.blend" in said


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: f"{h.file_name} {h.what}")
def test_a_hostile_archive_is_refused_with_the_reason(hostile: Hostile, tmp_path: Path, folder: Path) -> None:
    """Quickly, before anything is written."""
    archive = tmp_path / hostile.file_name
    hostile.make(archive)
    began = time.monotonic()
    said = refusal(archive, folder)
    assert hostile.says in said
    assert len(said) < 400
    assert time.monotonic() - began < 30
    assert list(folder.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [hostile.file_name, "project"]
    assert not list(Path("/tmp").glob(f"{ESCAPED}*"))


MEASURE = """
import re, sys
from pathlib import Path
from worker_agent.bundle import BundleRejectedError, unpack
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
before = peak()
try:
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
except BundleRejectedError as error:
    print(peak() - before, error)
"""


@pytest.mark.parametrize(
    ("name", "make", "most_mib"),
    [
        ("honest.zip", lambda path: many_zip(path, 1_000_000), 100),
        ("lying.zip", lambda path: many_zip(path, 1_000_000, 1), 100),
        ("a.tgz", lambda path: many_tar(path, 150_000), 30),
    ],
)
def test_a_million_entries_take_no_memory(
    name: str, make: Callable[[Path], Path], most_mib: int, tmp_path: Path, folder: Path
) -> None:
    """An object for each entry of the zip would take 500 MiB, and 50 MiB for those of the tar."""
    command = [sys.executable, "-c", MEASURE, str(make(tmp_path / name)), str(folder)]
    kilobytes, _, said = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.partition(" ")
    assert "more than 100000 files" in said
    assert 1024 < int(kilobytes) < most_mib * 1024


class TestLimits:
    @pytest.mark.parametrize("make", [tar, zipped])
    def test_they_hold_before_anything_is_written(
        self, make: Callable[..., Path], tmp_path: Path, folder: Path
    ) -> None:
        name = "a.zip" if make is zipped else "a.tgz"
        archive = make(tmp_path / name, ("a.blend", bytes(999)), ("b", bytes(2)))
        said = refusal(archive, folder, limits=Limits(max_unpacked_bytes=1000))
        assert "unpacks to more than 1000 bytes, the most that the farm takes" in said
        said = refusal(archive, folder, limits=Limits(max_ratio=2, free_unpacked_bytes=10))
        assert "more than 2 times its own size" in said
        assert "more than 3 files" in refusal(
            make(tmp_path / name, *((f"{i}", b"") for i in range(9))), folder, limits=Limits(max_files=3)
        )
        assert not list(folder.iterdir())

    def test_a_zip_that_unpacks_to_more_than_it_says_is_cut_there(self, tmp_path: Path, folder: Path) -> None:
        archive = zipped(tmp_path / "a.zip", ("a.blend", b"x" * 5_000))
        content = archive.read_bytes().replace((5_000).to_bytes(4, "little"), (500).to_bytes(4, "little"))
        archive.write_bytes(content)
        assert "damaged" in refusal(archive, folder)
        assert (folder / "a.blend").stat().st_size <= 500

    def test_a_name_of_a_gibibyte_is_not_read(self, tmp_path: Path, folder: Path) -> None:
        name = special("././@LongLink", tarfile.GNUTYPE_LONGNAME)
        name.size = 1024**3
        with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
            archive.addfile(name)
            archive.fileobj.write(bytes(1024**2))
        assert "a name that claims to be longer than any name" in refusal(tmp_path / "a.tgz", folder)

    @pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
    def test_a_size_below_nothing_is_no_way_back(self, kind: bytes, tmp_path: Path, folder: Path) -> None:
        """tarfile would read the same entries for ever."""
        entries = [tarfile.TarInfo("a.blend"), special("b", kind)]
        entries[1].size = -1024
        content = b"".join(entry.tobuf(tarfile.GNU_FORMAT) for entry in entries) + bytes(1024)
        (tmp_path / "a.tgz").write_bytes(content)
        assert "is damaged" in refusal(tmp_path / "a.tgz", folder)


class TestTheMachinesFault:
    """Another worker may do better: the job is not to fail."""

    def test_a_full_disk_is_noticed_before_it_is_full(
        self, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = tar(tmp_path / "a.tgz", ("a.blend", bytes(1000)))
        usage = shutil.disk_usage(folder)._replace(free=1024)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        with pytest.raises(OSError, match="are to be unpacked, 1 KiB are free") as error:
            unpack(archive, folder)
        assert error.value.errno == errno.ENOSPC
        assert not list(folder.iterdir())

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.ESTALE, errno.EACCES, errno.EMFILE])
    def test_what_the_file_system_says_is_passed_on(
        self, number: int, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise OSError(number, "no")

        archive = tar(tmp_path / "a.tgz", ("film/a.blend", bytes(1000)))
        monkeypatch.setattr(Path, "mkdir", fail)
        with pytest.raises(OSError, match="no") as error:
            unpack(archive, folder)
        assert error.value.errno == number


class TestDamaged:
    @pytest.mark.parametrize("name", ["a.tar.gz", "a.zip"])
    def test_nothing_at_all_and_no_archive(self, name: str, tmp_path: Path, folder: Path) -> None:
        (tmp_path / name).write_bytes(b"")
        assert "is empty" in refusal(tmp_path / name, folder)
        (tmp_path / name).write_bytes(b"no archive at all")
        assert "neither a zip nor a tar" in refusal(tmp_path / name, folder)

    def test_one_wrong_bit_is_noticed_before_anything_is_written(self, tmp_path: Path, folder: Path) -> None:
        archive = tar(tmp_path / "a.tgz", ("a.blend", bytes(range(256)) * 400))
        content = bytearray(archive.read_bytes())
        content[-8] ^= 1  # of the checksum, which tarfile never looks at
        archive.write_bytes(content)
        assert "is damaged" in refusal(archive, folder)
        assert not list(folder.iterdir())

    @pytest.mark.parametrize("make", [tar, zipped, lambda path, *entries: tar(path, *entries, mode="w")])
    def test_whatever_is_wrong_with_it_is_its_owners_to_know(
        self, make: Callable[..., Path], tmp_path: Path, folder: Path
    ) -> None:
        """Random damage ends in a refusal or in nothing, never in another error, never outside."""
        entries = [("a.blend", b"B" * 700), ("x/y.png", os.urandom(300)), ("z/", b"")]
        whole = make(tmp_path / "a.zip", *entries).read_bytes()
        dice = random.Random(3)
        refused = 0
        for number in range(400):
            content = bytearray(whole)
            for _ in range(dice.choice((1, 1, 2, 8))):
                content[dice.randrange(len(content))] = dice.randrange(256)
            if dice.random() < 0.2:
                del content[dice.randrange(len(content)) :]
            (tmp_path / "a.zip").write_bytes(content)
            target = folder / f"{number}"
            target.mkdir()
            try:
                blend = unpack(tmp_path / "a.zip", target)
            except BundleRejectedError:
                refused += 1
            else:
                assert blend.is_relative_to(target)
        assert refused > 40
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "project"]
        assert sorted(int(path.name) for path in folder.iterdir()) == list(range(400))


def test_a_password_is_said_before_the_choice(tmp_path: Path, folder: Path) -> None:
    assert "without one" in refusal(with_password(tmp_path / "a.zip"), folder, "other.blend")


def test_the_64_bit_zip_of_the_tests_is_a_real_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(zeros_zip(tmp_path / "a.zip", 5)) as archive:
        assert [(entry.filename, entry.file_size) for entry in archive.infolist()] == [
            ("shot.blend", 5 * 1024**3)
        ]
    with zipfile.ZipFile(many_zip(tmp_path / "b.zip", 70_000)) as archive:
        assert len(archive.infolist()) == 70_000
    with tarfile.open(many_tar(tmp_path / "c.tgz", 300)) as archive_tar:
        assert len(archive_tar.getnames()) == 300
