"""How many Blenders may render on one worker at once."""

from typing import Final

MOST_BLENDER_SESSIONS: Final = 64
