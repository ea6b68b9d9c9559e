"""How the fleet's group lets a machine go: it waits until the agent there has given its work back."""

from typing import Final

TERMINATION_HOOK: Final = "give-work-back"
"""Name of the group's lifecycle hook."""
TERMINATION_HEARTBEAT_SECONDS: Final = 120
"""How long the group waits for an agent that says nothing: a dead one costs no hour."""
TERMINATED: Final = "Terminated"
"""What a machine reads as its target lifecycle state when the group has chosen it to go."""
CONTINUE: Final = "CONTINUE"
"""The result of a hook that lets the termination go on."""
