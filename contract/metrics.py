"""Names of the CloudWatch metrics, their dimensions and units."""

BACKLOG_PER_INSTANCE = "BacklogPerInstance"
BACKLOG_SECONDS = "BacklogSeconds"
WANTED_WORKERS = "WantedWorkers"
GROW_TO = "GrowTo"
"""What the step policy sets the capacity to; 0: nothing."""
CAPACITY_REFUSED = "CapacityRefused"
"""1 while the group cannot have the machines that it wants."""
FRAMES_DONE = "FramesDone"
FRAMES_FAILED = "FramesFailed"
FRAME_SECONDS = "FrameSeconds"
SCRATCH_BYTES = "ScratchBytes"

NO_MACHINE = "no machine from AWS:"
"""Begins the log line that says why, each minute that CapacityRefused is 1; the dashboard looks for it."""

FLEET_DIMENSION = "Fleet"
"""The Auto Scaling group's name: two farms in one account share a namespace, not their metrics."""
