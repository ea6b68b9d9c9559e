"""What would be written, checked as a whole before anything is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from worker_agent.bundle.limits import Limits
from worker_agent.bundle.member import Member, place_of
from worker_agent.bundle.rejection import Refused, shown

_ARCHIVE_SUFFIXES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
_NAMED: Final = 5


@dataclass(slots=True, kw_only=True)
class Plan:
    limits: Limits
    packed_bytes: int
    entries: int = 0
    unpacked_bytes: int = 0
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)

    def add(self, member: Member) -> None:
        """Raises Refused when the archive goes over a limit or contradicts itself with this entry."""
        self.entries += 1
        if self.entries > self.limits.max_files:
            raise Refused(f"holds more than {self.limits.max_files} files and folders")
        if member.size_bytes < 0:
            raise Refused(f"is damaged: {shown(member.name)} claims {member.size_bytes} bytes")
        self.unpacked_bytes += member.size_bytes
        if self.unpacked_bytes > self.limits.unpacked_bytes(self.packed_bytes):
            raise Refused(self.limits.too_large(self.packed_bytes))
        place = place_of(member.name)
        if place is not None:
            self._put(place, member)

    def _put(self, place: str, member: Member) -> None:
        if place in self.files and not member.is_folder:
            raise Refused(f"holds {shown(member.name)} twice: which of them is meant?")
        above = list(_folders_above(place, self.folders))
        if place in (self.files if member.is_folder else self.folders) or not self.files.isdisjoint(above):
            raise Refused(f"holds {shown(member.name)} where there is a file and a folder of the same name")
        self.folders.update(above)
        (self.folders if member.is_folder else self.files).add(place)

    def blend(self, wanted: str | None) -> str:
        """The .blend to render: the one there is, or the one that was asked for. Raises Refused."""
        blends = sorted(file for file in self.files if file.lower().endswith(".blend"))
        if wanted is not None:
            if wanted not in blends:
                raise Refused(f"holds no {shown(wanted)}, which the option blend asks for: {_there(blends)}")
            blends = [wanted]
        if not blends:
            raise Refused(f"holds no .blend file{self._instead()}: expected one")
        if len(blends) > 1:
            raise Refused(
                f"holds {_there(blends)}: choose one with the option blend, as in blend={blends[0]}"
            )
        if not _is_text(blends[0]):
            raise Refused(f"holds {shown(blends[0])}, a name that is no text: rename it")
        return blends[0]

    def _instead(self) -> str:
        archives = sorted(file for file in self.files if file.lower().endswith(_ARCHIVE_SUFFIXES))
        if not archives:
            return ""
        return f", only another archive in it ({shown(archives[0])}): pack the files themselves"


def _folders_above(place: str, known: set[str]) -> Iterator[str]:
    """From the innermost outwards, up to one that is known already."""
    while (place := place.rpartition("/")[0]) and place not in known:
        yield place


def _there(blends: list[str]) -> str:
    if not blends:
        return "there is no .blend file in it"
    more = f" and {len(blends) - _NAMED} more" * (len(blends) > _NAMED)
    return f"{len(blends)} .blend file{'s' * (len(blends) > 1)} ({', '.join(blends[:_NAMED])}{more})"


def _is_text(name: str) -> bool:
    """Whether records and messages can hold it: bytes in no known encoding stand as halves of letters."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
