"""The one folder in which a laptop farm keeps all it has: two checkouts have two farms."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class FarmRecord:
    """A laptop farm that was brought up."""

    endpoint: str
    fingerprint: str = ""
    """Of the code that is deployed; empty until it is."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Of all stacks, by name."""
    blenders: str = ""
    """The person's setting that `runtimes` was made of."""
    runtimes: str = ""
    """The Blenders of the farm, as its agents are told."""
    page_url: str = ""
    """Where a browser on this computer finds the farm's page; empty until it was started."""

    def places(self) -> dict[str, str]:
        """Where the farm is found, for JSON."""
        return {
            "page_url": self.page_url,
            "endpoint": self.endpoint,
            "bucket": self.outputs.get("RenderBucketName", ""),
        }


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths and small records. Every write is atomic: a reader sees the old or the new."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def scratch(self) -> Path:
        """Stands in for the shared file system."""
        return self.root / "scratch"

    @property
    def work(self) -> Path:
        """Stands in for each worker's own disk."""
        return self.root / "work"

    @property
    def temporary(self) -> Path:
        """The emulator's temporary files."""
        return self.root / "tmp"

    @property
    def processes(self) -> Path:
        return self.root / "processes"

    @property
    def fleet_report(self) -> Path:
        """What the fleet last saw and did."""
        return self.root / "fleet.json"

    @property
    def _farm(self) -> Path:
        return self.root / "farm.json"

    def prepare(self) -> None:
        for folder in (self.logs, self.scratch, self.work, self.temporary, self.processes):
            folder.mkdir(parents=True, exist_ok=True)

    def clear(self, *, keep_logs: bool) -> None:
        """Forget a farm that no longer runs: its jobs ended with the emulator's memory."""
        for folder in (self.scratch, self.work, self.temporary, *(() if keep_logs else (self.logs,))):
            shutil.rmtree(folder, ignore_errors=True)
        self.fleet_report.unlink(missing_ok=True)
        self._farm.unlink(missing_ok=True)

    def read_farm(self) -> FarmRecord | None:
        values = read_json(self._farm)
        return FarmRecord(**values) if values else None

    def write_farm(self, record: FarmRecord) -> None:
        write_json(self._farm, asdict(record))

    @contextmanager
    def lock(self, pause: Callable[[float], object], waiting: Callable[[], object]) -> Iterator[None]:
        """One `up` or `down` at a time; a second one waits. The lock ends with the process that holds it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a") as file:
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        waiting()
                        told = True
                    pause(LOCK_POLL_SECONDS)
            yield


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, or None when there is none."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write so that a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(values, indent=1), "utf-8")
    part.replace(path)
