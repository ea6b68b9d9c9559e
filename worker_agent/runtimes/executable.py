"""Installing the official Blender executable: download, check against the release's SHA-256, unpack."""

from __future__ import annotations

import hashlib
import http.client
import logging
import lzma
import re
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from contract.blender_releases import DOWNLOADS, checksum_file, download_folder, executable_archive
from worker_agent.runtimes.errors import InstallError
from worker_agent.runtimes.kept_releases import MAX_ARCHIVE_BYTES, KeptReleases
from worker_agent.tasks.outcome import InterruptedTaskError

log = logging.getLogger(__name__)

SILENCE_SECONDS = 60
"""How long the server may send nothing."""
DOWNLOAD_SECONDS = 3_600
MAX_CHECKSUMS_BYTES = 100_000
MAX_UNPACKED_BYTES = 10 * 1024**3
MAX_FILES = 100_000
"""A release has 1.5 GB unpacked, in 10,000 files: more than these is none."""
_CHUNK_BYTES = 1024 * 1024
_AGENT: Final = {"User-Agent": "AutoBlenderRender"}


def install_executable(
    version: str,
    folder: Path,
    *,
    stopped: Callable[[], bool],
    base_url: str = DOWNLOADS,
    kept: KeptReleases | None = None,
) -> Path:
    """Unpack the release inside `folder`, and return the folder that has `blender` in it.

    It is taken from where the farm has `kept` it, and kept there if it was not yet. Raises InstallError,
    InterruptedTaskError.
    """
    source = download_folder(version, base_url)
    archive = folder / executable_archive(version)
    try:
        if kept is None:
            _download_checked(source, version, archive, stopped)
        elif not _fetch_kept(kept, source, version, archive, stopped):
            found = _download_checked(source, version, archive, stopped)
            kept.require_same(version, found)
            kept.keep(version, archive, found, stopped)
        unpacked = _unpack(archive, folder, stopped)
    except (OSError, http.client.HTTPException, tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise InstallError(f"Blender {version} could not be installed from {source}: {error}") from error
    archive.unlink()
    return unpacked


def _fetch_kept(
    kept: KeptReleases, source: str, version: str, archive: Path, stopped: Callable[[], bool]
) -> bool:
    """False when the farm has not kept it yet. Who could write the archive could write its sum beside it:
    so the release is asked for the sum again, which is small. Where it does not answer, the kept one holds.
    """
    if not kept.kept_sum(version):
        return False
    try:
        published = _published_checksum(f"{source}/{checksum_file(version)}", archive.name)
    except (OSError, http.client.HTTPException) as error:
        log.warning(
            "%s does not answer (%s): Blender %s is held to the sum that is kept", source, error, version
        )
    else:
        kept.require_same(version, published)
    return kept.fetch(version, archive, stopped)


def _download_checked(source: str, version: str, archive: Path, stopped: Callable[[], bool]) -> str:
    """Its SHA-256, which is what its release says. Raises InstallError."""
    url = f"{source}/{archive.name}"
    expected = _published_checksum(f"{source}/{checksum_file(version)}", archive.name)
    found = _download(url, archive, stopped)
    if found != expected:
        raise InstallError(
            f"{url} has the SHA-256 {found}, and its release says {expected}: it was not installed"
        )
    return found


def _published_checksum(url: str, name: str) -> str:
    """The SHA-256 that the release publishes for its archive."""
    with _open(url) as answer:
        text = answer.read(MAX_CHECKSUMS_BYTES).decode("ascii", "replace")
    match = re.search(rf"^([0-9a-fA-F]{{64}})[ \t]+\*?{re.escape(name)}\s*$", text, re.MULTILINE)
    if match is None:
        raise InstallError(f"{url} names no SHA-256 of {name}: it was not installed")
    return match[1].lower()


def _download(url: str, target: Path, stopped: Callable[[], bool]) -> str:
    """Fetch a file, and return its SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    size = 0
    with _open(url) as answer, target.open("xb") as file:
        while chunk := answer.read1(_CHUNK_BYTES):
            _go_on(stopped)
            if time.monotonic() > deadline:
                raise InstallError(f"{url} was not there within {DOWNLOAD_SECONDS} s")
            size += len(chunk)
            if size > MAX_ARCHIVE_BYTES:
                raise InstallError(f"{url} is larger than {MAX_ARCHIVE_BYTES} bytes: it is no Blender")
            digest.update(chunk)
            file.write(chunk)
        expected = answer.headers.get("Content-Length")
        if expected is not None and size != int(expected):
            raise InstallError(f"{url} broke off after {size} of {expected} bytes")
    return digest.hexdigest()


def _open(url: str) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers=_AGENT)
    opener = urllib.request.build_opener(SecureRedirects)
    try:
        answer: http.client.HTTPResponse = opener.open(request, timeout=SILENCE_SECONDS)
    except urllib.error.HTTPError as error:  # an answer, too: its connection stays open otherwise
        error.close()
        raise
    return answer


class SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Python would follow from https to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise InstallError(f"{req.full_url} leads to {newurl[:200]}, which is not secure")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unpack(archive: Path, folder: Path, stopped: Callable[[], bool]) -> Path:
    """All of the archive is under one folder, named like it."""
    top = archive.name.removesuffix(".tar.xz")
    with tarfile.open(archive, "r:xz") as packed:
        for entry in _checked(packed, top):
            _go_on(stopped)
            packed.extract(entry, folder, filter="data")  # no path or link leads out, no device is made
    return folder / top


def _checked(packed: tarfile.TarFile, top: str) -> Iterator[tarfile.TarInfo]:
    size = 0
    for number, entry in enumerate(packed, start=1):
        size += entry.size
        if PurePosixPath(entry.name).parts[:1] != (top,):
            raise InstallError(f"the archive holds {entry.name[:200]!r}: expected everything under {top}/")
        if number > MAX_FILES or size > MAX_UNPACKED_BYTES:
            raise InstallError(
                f"the archive is larger than any Blender: stopped at {number} files, {size} bytes"
            )
        yield entry


def _go_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise InterruptedTaskError("the worker is stopping")
