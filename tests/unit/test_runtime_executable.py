"""The official executable is fetched, checked and unpacked; anything odd is refused and leaves nothing."""

import subprocess
import tarfile
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from urllib.request import Request

import pytest

from contract.blender_releases import DOWNLOADS
from contract.runtimes import RuntimeSpec
from tests.support.release_server import Entry, ReleaseServer, archive_of, release_server
from worker_agent.runtimes import executable
from worker_agent.runtimes.errors import InstallError, RuntimeUnavailableError
from worker_agent.runtimes.executable import SecureRedirects, install_executable
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.tasks.outcome import InterruptedTaskError

VERSION, TOP = "4.5.15", "blender-4.5.15-linux-x64"
ARCHIVE, SUMS = f"/Blender4.5/{TOP}.tar.xz", "/Blender4.5/blender-4.5.15.sha256"
SPEC = RuntimeSpec(version=VERSION)


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    with release_server() as server:
        server.offer(VERSION, archive_of(VERSION))
        yield server


def shelf(server: ReleaseServer, folder: Path) -> BlenderShelf:
    return BlenderShelf(
        [SPEC],
        folder,
        installer=lambda spec, part, stopped: install_executable(
            spec.version, part, stopped=stopped, base_url=server.base_url
        ),
    )


def refusal(server: ReleaseServer, folder: Path) -> str:
    """Why an install failed; nothing of it is left, and nothing that looks installed."""
    with pytest.raises(RuntimeUnavailableError) as caught:
        shelf(server, folder).runtime(SPEC)
    assert [path.name for path in folder.iterdir()] == [".4.5.15-executable.lock"]
    return str(caught.value)


def test_a_release_is_installed_and_kept(server: ReleaseServer, tmp_path: Path) -> None:
    blender = shelf(server, tmp_path).runtime(SPEC)
    assert not blender.is_python
    said = subprocess.run([blender.path, "--version"], check=True, capture_output=True, text=True).stdout
    assert said == "Blender 4.5.15 LTS\n"
    home = tmp_path / "4.5.15-executable"
    assert blender.path == home / "blender"
    assert (home / "lib/libx.so").read_bytes() == b"library"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".4.5.15-executable.lock", home.name]
    assert shelf(server, tmp_path).runtime(SPEC) == blender
    assert server.asked == [SUMS, ARCHIVE], "an installed one is not fetched again"


def test_a_wrong_checksum_is_refused(server: ReleaseServer, tmp_path: Path) -> None:
    server.files[ARCHIVE] = archive_of(VERSION, (f"{TOP}/more", b"smuggled in"))
    assert "has the SHA-256" in refusal(server, tmp_path)


@pytest.mark.parametrize(
    "sums",
    [b"", f"{'0' * 64}  other.tar.xz".encode(), f"{'0' * 63}  {TOP}.tar.xz".encode(), b"<html>sorry</html>"],
)
def test_a_release_without_a_checksum_is_refused(server: ReleaseServer, tmp_path: Path, sums: bytes) -> None:
    server.files[SUMS] = sums
    assert f"names no SHA-256 of {TOP}.tar.xz" in refusal(server, tmp_path)
    assert server.asked == [SUMS], "what cannot be checked is not even fetched"


def test_a_download_that_breaks_off_is_told(server: ReleaseServer, tmp_path: Path) -> None:
    server.cut_short.add(ARCHIVE)
    size = len(server.files[ARCHIVE])
    assert f"broke off after {size} of {2 * size} bytes" in refusal(server, tmp_path)


@pytest.mark.parametrize("missing", [ARCHIVE, SUMS])
def test_what_is_not_there_is_named(server: ReleaseServer, tmp_path: Path, missing: str) -> None:
    del server.files[missing]
    said = refusal(server, tmp_path)
    assert "Blender 4.5.15" in said and "404" in said and server.base_url in said


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with release_server() as gone:
        pass
    assert "Connection refused" in refusal(gone, tmp_path)


def _of_type(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        ("../escaped", b"x"),
        ("/tmp/escaped", b"x"),
        (f"{TOP}/../../escaped", b"x"),
        ("other/blender", b"x"),
        _of_type(f"{TOP}/out", tarfile.SYMTYPE, "/etc"),
        _of_type(f"{TOP}/out", tarfile.LNKTYPE, "/etc/passwd"),
        _of_type(f"{TOP}/null", tarfile.CHRTYPE),
    ],
    ids=["up", "absolute", "through the folder", "beside it", "a link", "a hard link", "a device"],
)
def test_an_archive_that_leads_out_is_refused(server: ReleaseServer, tmp_path: Path, entry: Entry) -> None:
    server.offer(VERSION, archive_of(VERSION, entry))
    folder = tmp_path / "a" / "shelf"
    refusal(server, folder)
    assert not list(tmp_path.rglob("escaped"))


def test_what_is_no_archive_is_refused(server: ReleaseServer, tmp_path: Path) -> None:
    for content in (b"", b"no archive"):
        server.offer(VERSION, content)
        assert "Blender 4.5.15 could not be installed" in refusal(server, tmp_path)


def test_an_archive_larger_than_any_blender_is_refused(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as small:
        small.setattr(executable, "MAX_UNPACKED_BYTES", 10)
        assert "larger than any Blender" in refusal(server, tmp_path)
    monkeypatch.setattr(executable, "MAX_ARCHIVE_BYTES", 10)
    assert "it is no Blender" in refusal(server, tmp_path)


@pytest.mark.parametrize("says", ["Blender 4.5.14", "Blender 4.5.1", "no such device"])
def test_what_calls_itself_otherwise_is_not_kept(server: ReleaseServer, tmp_path: Path, says: str) -> None:
    server.offer(VERSION, archive_of(VERSION, says=says))
    assert f"says it is '{says}'" in refusal(server, tmp_path)


def test_what_cannot_be_started_is_not_kept(server: ReleaseServer, tmp_path: Path) -> None:
    server.offer(
        VERSION, archive_of(VERSION, (f"{TOP}/blender", b"#!/bin/sh\necho lib missing >&2; exit 127\n"))
    )
    assert "cannot be started: exit 127: lib missing" in refusal(server, tmp_path)


def test_a_worker_that_must_go_does_not_wait_for_the_end(server: ReleaseServer, tmp_path: Path) -> None:
    with pytest.raises(InterruptedTaskError):
        install_executable(VERSION, tmp_path, stopped=lambda: True, base_url=server.base_url)


def test_no_redirect_leads_out_of_https() -> None:
    redirects = SecureRedirects()
    secure = Request(f"{DOWNLOADS}/Blender4.5/blender-4.5.15.sha256")

    def follow(request: Request, address: str) -> Request | None:
        found = redirects.redirect_request(request, None, 302, "Found", HTTPMessage(), address)
        assert found is None or isinstance(found, Request)
        return found

    with pytest.raises(InstallError, match="leads to http://mirror/x, which is not secure"):
        follow(secure, "http://mirror/x")
    assert follow(secure, "https://mirror/x")
