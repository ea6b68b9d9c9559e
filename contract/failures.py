"""Why a frame or a job failed, by names that programs compare and words that people read."""

from __future__ import annotations

from enum import StrEnum


class FailureKind(StrEnum):
    """What went wrong with an attempt. The name is on the record, beside the whole reason."""

    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    GPU_LOST = "GPU_LOST"
    MISSING_FILE = "MISSING_FILE"
    NO_CAMERA = "NO_CAMERA"
    UNSUPPORTED_ENGINE = "UNSUPPORTED_ENGINE"
    OVER_TIME = "OVER_TIME"
    CRASHED = "CRASHED"
    INVALID_OUTPUT = "INVALID_OUTPUT"
    BLENDER_ERROR = "BLENDER_ERROR"
    """Blender said no, in words of its own."""
    WORKER_LOST = "WORKER_LOST"
    """Workers took it again and again, and none lived to say what came of it."""

    @property
    def words(self) -> str:
        """As a person says it: "out of memory"."""
        return _WORDS[self]


_WORDS = {
    FailureKind.OUT_OF_MEMORY: "out of memory",
    FailureKind.GPU_LOST: "GPU lost",
    FailureKind.MISSING_FILE: "missing file",
    FailureKind.NO_CAMERA: "no camera",
    FailureKind.UNSUPPORTED_ENGINE: "unsupported engine",
    FailureKind.OVER_TIME: "over time",
    FailureKind.CRASHED: "Blender crashed",
    FailureKind.INVALID_OUTPUT: "invalid output",
    FailureKind.BLENDER_ERROR: "Blender error",
    FailureKind.WORKER_LOST: "worker lost",
}
