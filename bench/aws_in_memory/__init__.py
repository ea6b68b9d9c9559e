"""Stand-ins for the services, inside this process: clients build, sign and parse their requests as ever, and
no network and no other process is what is measured.

Every request is counted by its operation, and what DynamoDB would charge for it in request units is added up.
It takes as long as `Latencies` says. Only what the agent asks for is known; anything else is an error that
names it.
"""

from bench.aws_in_memory.latencies import Latencies
from bench.aws_in_memory.services import Services

__all__ = ["Latencies", "Services"]
