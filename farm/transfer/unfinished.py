"""What is remembered of uploads that have not ended, so that the next run goes on with them."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_KEPT_SECONDS: Final = 8 * 24 * 3600
"""The bucket forgets an upload that does not end after seven days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An upload that has not ended, as far as is known."""

    upload_id: str
    version_before: str
    """Of the object that was there when it began; empty when there was none."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The memory of one upload; without a path, there is none."""

    path: Path | None

    def recall(self) -> Begun | None:
        """The upload that was begun; None when none was."""
        if self.path is None:
            return None
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            return Begun(upload_id=str(kept["upload_id"]), version_before=str(kept["version_before"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, begun: Begun) -> None:
        if self.path is None:
            return
        with suppress(OSError):  # it is sent all the same
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps(asdict(begun)), "utf-8")
            part.replace(self.path)

    def forget(self) -> None:
        if self.path is not None:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class UnfinishedUploads:
    folder: Path

    @contextmanager
    def slot(
        self, *, key: str, bucket: str, metadata: Mapping[str, str], sizes: tuple[int, int]
    ) -> Iterator[Slot]:
        """The memory of an upload that would be the same in all but its content, which is compared later.

        Two that are sent at the same time do not share it: the second one remembers nothing.
        """
        name = hashlib.sha256(json.dumps([bucket, key, sorted(metadata.items()), sizes]).encode()).hexdigest()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.folder / f"{name}.lock").open("a")
        except OSError:  # a full or read-only home is no reason not to send
            yield Slot(None)
            return
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield Slot(None)
                return
            self._forget_old()
            yield Slot(self.folder / f"{name}.json")
            with suppress(OSError):
                Path(lock.name).unlink()

    def _forget_old(self) -> None:
        """What the bucket has thrown away is of no use here."""
        for path in self.folder.glob("*.json"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()


def uploads_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Where the memory of a person's uploads is kept."""
    cache = env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or Path.home(), ".cache")
    return Path(cache, "autoblenderrender", "uploads")
