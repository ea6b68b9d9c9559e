"""Tells what kind of failure a Blender's error is."""

from __future__ import annotations

import re
from typing import Final

from contract.failures import FailureKind
from contract.job import Job
from contract.options import JobOptions
from worker_agent.blender import BlenderError

_BY_CODE: Final = {
    "out_of_memory": FailureKind.OUT_OF_MEMORY,
    "timed_out": FailureKind.OVER_TIME,
    "no_camera": FailureKind.NO_CAMERA,
    "no_such_engine": FailureKind.UNSUPPORTED_ENGINE,
    "no_output": FailureKind.INVALID_OUTPUT,
    "invalid_output": FailureKind.INVALID_OUTPUT,
    "wrong_frame": FailureKind.INVALID_OUTPUT,
    "missing_file": FailureKind.MISSING_FILE,
    "unreadable": FailureKind.MISSING_FILE,
    "crashed": FailureKind.CRASHED,
    "no_device": FailureKind.GPU_LOST,
    "exited": FailureKind.CRASHED,
    "garbled": FailureKind.CRASHED,
    "stuck": FailureKind.CRASHED,
}
_TELLTALES: Final = (
    # Cycles names its device in most of these; a GPU without memory is no GPU that is lost.
    (
        FailureKind.OUT_OF_MEMORY,
        r"out of (GPU|host|device)?( and shared host)? ?memory|bad_alloc|(Malloc|Calloc) returns null"
        r"|cannot allocate memory",
    ),
    (
        FailureKind.GPU_LOST,
        r"illegal (address|instruction)|misaligned address|launch (failed|timed out|failure|exceeded)"
        r"|device[ _](was )?lost|uncorrectable ECC|(CUDA|HIP|OptiX|oneAPI) (device )?error"
        # what Cycles says of any failed call: "… in CUDA queue …", "… in cuMemAlloc(…)"; OptiX has names only
        r"|in (CUDA|HIP|OptiX) queue|OPTIX_ERROR_\w+| in (cu|hip|optix)[A-Z]\w+ ?\("
        r"|failed to (create|initialize|load) (CUDA|HIP|OptiX)|Failed loading (CUDA|HIP) kernel",
    ),
)
_SPEAKING_CODES: Final = {"crashed", "exited", "render_error"}
"""Those of which Blender's log may know more."""
_LAST_WORDS: Final = 4_000
"""Letters of a log that belong to its end: what was overcome long before is no reason."""


def others_may_be_why(error: BlenderError, job: Job) -> bool:
    """Whether other Blenders at work on the same machine may have made this one fail: they share its memory
    and its processors.

    A limit of time that nobody said is many times what frames take beside others: they are not why.
    """
    if error.code == "timed_out":
        return JobOptions.from_map(job.options).frame_timeout_seconds is not None
    return error.code == "over_limit" or kind_of(error) is FailureKind.OUT_OF_MEMORY


def kind_of(error: BlenderError) -> FailureKind:
    """By the error's code, and for those that say little by what Blender last printed."""
    if error.code in _SPEAKING_CODES:
        said = f"{error.reason}\n{error.log[-_LAST_WORDS:]}"
        for kind, pattern in _TELLTALES:
            if re.search(pattern, said, re.IGNORECASE):
                return kind
    return _BY_CODE.get(error.code, FailureKind.BLENDER_ERROR)
