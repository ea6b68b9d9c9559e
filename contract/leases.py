"""How long a worker holds a task, and how long it waits for one: the farm's numbers on AWS."""

from typing import Final

LEASE_SECONDS: Final = 120
"""Visibility time-out of a held message; its holder renews it long before it lapses."""
POLL_SECONDS: Final = 20
"""One look at the render queue; SQS allows no longer."""
