"""What keeps a worker from having the Blender that a job needs."""


class InstallError(Exception):
    """A Blender could not be installed; the message says which, why, and what may be done."""


class RuntimeUnavailableError(Exception):
    """This worker cannot start the Blender that a job needs, now: its own trouble, no fault of the file's.

    `retry_seconds` is how long there is no point in trying again; `log` what Blender said, if it did.
    """

    def __init__(self, reason: str, *, retry_seconds: int = 0, log: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_seconds = retry_seconds
        self.log = log
