"""The agent's log in CloudWatch, where it can be read when the machine is gone.

Lines are gathered and sent by a thread of their own. What CloudWatch does not take in time is lost there and
not in the journal: the agent neither waits for it nor ends over it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from watchtower import CloudWatchLogHandler

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

SEND_SECONDS: Final = 30
"""Lines wait for so long at most, or until they fill a call (1 MiB): two calls a minute, if any."""
END_SECONDS: Final = 5
"""What the agent's end waits for its last lines."""
MOST_WAITING: Final = 5_000
"""Lines. While more wait, those that come are for the journal alone."""


class CloudLog(CloudWatchLogHandler):
    """One worker's stream in the group of all. Made without a call: the first lines make the stream."""

    def __init__(
        self,
        client: CloudWatchLogsClient,
        *,
        group: str,
        stream: str,
        form: str = "%(levelname)s %(name)s: %(message)s",
        end_seconds: int = END_SECONDS,
    ) -> None:
        """`form` is a line's, as logging.Formatter takes it; a flush, and the end, wait for `end_seconds`."""
        super().__init__(
            boto3_client=client,
            log_group_name=group,
            log_stream_name=stream,
            create_log_group=False,
            send_interval=SEND_SECONDS,
        )
        self.FLUSH_TIMEOUT = end_seconds
        self.setFormatter(logging.Formatter(form))
        self.addFilter(lambda record: self.waiting < MOST_WAITING)

    @property
    def waiting(self) -> int:
        """Lines that were not sent yet, but for those on their way."""
        return sum(lines.qsize() for lines in self.queues.values())
