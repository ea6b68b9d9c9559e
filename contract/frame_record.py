"""The record of one frame that was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from contract.failures import FailureKind
from contract.job import FrameState
from contract.stored_part import StoredPart


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """One failed try at a frame."""

    token: str
    """Names this try: the record of it may be written twice and counts once."""
    kind: FailureKind
    reason: str
    worker: str
    at: str
    log: str = ""
    """Key of Blender's log, relative to the job's output."""

    def to_map(self) -> dict[str, str]:
        return {**asdict(self), "kind": str(self.kind)}

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> FailedAttempt:
        texts = {name: str(values.get(name, "")) for name in ("token", "reason", "worker", "at", "log")}
        return cls(kind=FailureKind(values["kind"]), **texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRecord:
    """One frame that was tried."""

    frame: int
    state: FrameState
    failures: tuple[FailedAttempt, ...] = ()
    """Since the job was last started; an interruption is none."""
    interruptions: int = 0
    """Times that it was given back because its worker had to go: nobody's failure."""
    files: tuple[str, ...] = ()
    """Keys relative to the job's frames prefix."""
    seconds: float = 0.0
    worker: str = ""
    blender_version: str = ""
    """Of the Blender that rendered it."""
    device: str = ""
    """That rendered it, and what it calls itself: "CPU", "OPTIX (NVIDIA A10G)"."""
    reason: str = ""
    ended_at: str = ""
    log: StoredPart | None = None
    """What Blender said of it, where frames share an object; None: in the object of its number."""
    proxy: StoredPart | None = None
    """Its picture for the preview; None: the object of its number, of an older agent, or there is none."""
    thumbnail: StoredPart | None = None
    """None: the object of its number, where an older agent has put it, or there is none."""

    @property
    def ended(self) -> bool:
        return self.state in (FrameState.DONE, FrameState.FAILED)

    @property
    def attempts(self) -> int:
        """Failed attempts that count."""
        return len(self.failures)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> FrameRecord:
        return cls(
            frame=int(item["frame"]),
            state=FrameState(item["state"]),
            failures=tuple(FailedAttempt.from_map(values) for values in item.get("failures", ())),
            interruptions=int(item.get("interruptions", 0)),
            files=tuple(item.get("files", ())),
            seconds=float(item.get("seconds", 0)),
            worker=item.get("worker", ""),
            blender_version=item.get("blender_version", ""),
            device=item.get("device", ""),
            reason=item.get("reason", ""),
            ended_at=item.get("ended_at", ""),
            log=StoredPart.from_map(item.get("log")),
            proxy=StoredPart.from_map(item.get("proxy")),
            thumbnail=StoredPart.from_map(item.get("thumbnail")),
        )
