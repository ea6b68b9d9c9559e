"""The Blender releases that the farm knows: their series, exact versions, and where each comes from.

A new release is a new line here. The numbers are those of Blender's download page and of `bpy` on PyPI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

DOWNLOADS: Final = "https://download.blender.org/release"
"""Executables, and beside each its SHA-256, by `executable_archive` and `checksum_file`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One official release. Its executable for Linux (x86-64) is under DOWNLOADS."""

    version: str
    wheel_python: str = ""
    """The Python series that its `bpy` wheel on PyPI is made for; empty: PyPI has none."""


RELEASES: Final = (
    Release(version="3.6.23"),
    Release(version="4.2.23", wheel_python="3.11"),
    Release(version="4.5.15", wheel_python="3.11"),
    Release(version="5.0.1", wheel_python="3.11"),
    Release(version="5.2.3", wheel_python="3.13"),
)
KNOWN_VERSIONS: Final = tuple(release.version for release in RELEASES)

_VERSION = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3}")
_SAID = re.compile(r"^Blender ([0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,3})\b", re.MULTILINE)


def is_version(text: str) -> bool:
    """Whether it is an exact version such as 4.5.15; 4.5 is a series."""
    return _VERSION.fullmatch(text) is not None


def numbers(version: str) -> tuple[int, ...]:
    """A version or a series as numbers, for comparing: 4.10 is newer than 4.9."""
    return tuple(int(part) for part in version.split("."))


def series_of(version: str) -> str:
    """The series of an exact version: 4.5 of 4.5.15."""
    return version.rpartition(".")[0]


def executable_archive(version: str) -> str:
    """Name of the archive with the executable."""
    return f"blender-{version}-linux-x64.tar.xz"


def checksum_file(version: str) -> str:
    """Name of the file with the SHA-256 of a release's archives."""
    return f"blender-{version}.sha256"


def download_folder(version: str, base_url: str = DOWNLOADS) -> str:
    """The address under which a release's files lie."""
    return f"{base_url}/Blender{series_of(version)}"


def read_version(said: str) -> str | None:
    """The version in what a Blender says to `version_command`, or None when it is no Blender's word."""
    match = _SAID.search(said)
    return match[1] if match else None
