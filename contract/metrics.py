"""Names of the CloudWatch metrics, their dimensions and units."""

BACKLOG_PER_INSTANCE = "BacklogPerInstance"
WANTED_WORKERS = "WantedWorkers"
NEEDS_WAKE = "WorkWithoutWorkers"
FRAMES_DONE = "FramesDone"
FRAMES_FAILED = "FramesFailed"
FRAME_SECONDS = "FrameSeconds"
SCRATCH_BYTES = "ScratchBytes"

FLEET_DIMENSION = "Fleet"
"""The Auto Scaling group's name: two farms in one account share a namespace, not their metrics."""
