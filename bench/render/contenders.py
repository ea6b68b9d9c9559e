"""What contenders are called, in tables and in code."""

from __future__ import annotations

from typing import Final

RAW: Final = "raw Blender"
PER_FRAME: Final = "process per frame"
PEER: Final = "openjd, sticky"
ONE_AGENT: Final = "one agent"
TWO_AGENTS: Final = "two agents"
EXPLAINED: Final = {
    RAW: "one process, render(animation=True) over the range: from its start to the last picture on the disk",
    PER_FRAME: "a process for each frame, from the first one's start to the last one's end; of fewer frames "
    "where frames are many",
    PEER: "`openjd run` of deadline-cloud-for-blender's own template, a frame a task, one Blender: from its "
    "start to the last picture on the disk",
    ONE_AGENT: "through queue, table and bucket, farm and agent up and idle: from the answer that brings the "
    "first task (its spare Blender has no file open) to the answer to the last record's write",
    TWO_AGENTS: "the same, on this one machine",
}
"""What is in each one's seconds."""
