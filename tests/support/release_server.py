"""A server on this machine alone that offers a Blender release as the download page does."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contract.blender_releases import checksum_file, executable_archive, series_of

Entry = tarfile.TarInfo | tuple[str, bytes]


@dataclass
class ReleaseServer:
    """`files` are the answers by path; a path in `cut_short` says more bytes than it sends."""

    base_url: str
    files: dict[str, bytes] = field(default_factory=dict)
    cut_short: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def offer(self, version: str, archive: bytes) -> None:
        """Archive and checksum of a release, beside those of other systems."""
        folder, name = f"/Blender{series_of(version)}/", executable_archive(version)
        self.files[folder + name] = archive
        lines = [
            f"{'0' * 64}  blender-{version}-macos-arm64.dmg",
            f"{hashlib.sha256(archive).hexdigest()}  {name}",
            f"{'1' * 64}  {name}.torrent",
        ]
        self.files[folder + checksum_file(version)] = "\n".join(lines).encode()


def archive_of(version: str, *more: Entry, says: str | None = None, program: str = "") -> bytes:
    """A small release: a `blender` that says its version, a link beside it as there are in a real one."""
    top = executable_archive(version).removesuffix(".tar.xz")
    link = tarfile.TarInfo(f"{top}/lib/libx.so")
    link.type, link.linkname = tarfile.SYMTYPE, "libx.so.1"
    script = (program or f"#!/bin/sh\necho '{says or f'Blender {version} LTS'}'\n").encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as archive:
        for entry in ((f"{top}/blender", script), (f"{top}/lib/libx.so.1", b"library"), link, *more):
            if isinstance(entry, tuple):
                name, content = entry
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                archive.addfile(entry, io.BytesIO(content))
            else:
                archive.addfile(entry)
    return packed.getvalue()


@contextmanager
def release_server() -> Iterator[ReleaseServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            offered.asked.append(self.path)
            content = offered.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            cut = self.path in offered.cut_short
            self.send_header("Content-Length", str(len(content) * (2 if cut else 1)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        offered = ReleaseServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield offered
        finally:
            server.shutdown()
            thread.join()
