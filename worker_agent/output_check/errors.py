"""What can be wrong with a frame's files, or with the program that looks at them."""

from worker_agent.blender import BlenderError

INVALID_OUTPUT = "invalid_output"


class InvalidOutput(BlenderError):
    """A file of the frame is missing, damaged or not what the scene asks for: the attempt failed."""

    def __init__(self, reason: str, log: str = "", frame: int | None = None) -> None:
        super().__init__(reason, INVALID_OUTPUT, log, frame)


class CheckerUnavailableError(Exception):
    """This machine cannot look at pictures at all: no fault of the frame."""
