"""What can go wrong with a Blender session, as types that say what to do about it."""


class BlenderError(Exception):
    """Base of all errors of a session.

    `reason` is written for the artist, `code` (snake_case) for programs, `log` is the end of
    what Blender printed, `frame` the frame it was at when that is known.
    """

    def __init__(self, reason: str, code: str, log: str = "", frame: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.log = log
        self.frame = frame
        self.crowded_out = False
        """Whether other Blenders on this machine may be why: then it is no failure of the frame."""


class SceneRejected(BlenderError):
    """The file or the options are wrong: trying again is useless. The session stays usable."""


class DeviceUnavailable(BlenderError):
    """This worker has not what the job is to be rendered with, a GPU mostly; another may have it.

    Nothing is wrong with the file, and the session stays usable.
    """


class BlenderFailed(BlenderError):
    """A render or a bake went wrong inside a Blender that is still alive and usable."""


class BlenderDied(BlenderError):
    """Blender crashed or left on its own; start a new session."""


class BlenderTimedOut(BlenderError):
    """Blender was over its time and has been killed; start a new session."""


class BlenderKilled(BlenderError):
    """`kill()` was called. Not a failure of the frame: an interruption."""
