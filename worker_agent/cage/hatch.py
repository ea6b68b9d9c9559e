"""A hatch in a cage: through it one folder is shown to a Blender that has started without any."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KEEPER: Final = Path(__file__).parent / "hatch_keeper.py"
_ANSWER_SECONDS: Final = 3.0
_MESSAGE_BYTES: Final = 65_536


class HatchError(Exception):
    """The folder could not be shown; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hatch:
    """What will be shown comes to lie somewhere below `inside`, which is empty until then."""

    place: Path
    """Outside: an empty folder for this hatch alone."""
    inside: Path
    """In the cage."""


class HatchWire:
    """The agent's end of the wire to the program that keeps one hatch (`hatch_keeper`)."""

    def __init__(self, hatch: Hatch) -> None:
        self._hatch = hatch
        self._socket, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_ANSWER_SECONDS)

    @property
    def fd(self) -> int:
        """For the keeper alone to inherit; `started` closes it here."""
        return self._theirs.fileno()

    def around(self, command: Sequence[str], fds: Sequence[int]) -> list[str]:
        """The command line that keeps the hatch of the cage that `command` makes, with its descriptors."""
        numbers = ",".join(map(str, fds))
        keeper = [sys.executable, "-I", "-S", str(_KEEPER)]
        return [*keeper, str(self.fd), numbers, os.fspath(self._hatch.place), *command]

    def started(self) -> None:
        """The keeper has its end."""
        self._theirs.close()

    def show(self, outside: Path, inside: Path) -> None:
        """Let the cage read the folder `outside` as `inside`; once. Raises HatchError."""
        place = self._hatch.place / inside.relative_to(self._hatch.inside)
        try:
            place.mkdir(parents=True)
            message = json.dumps({"outside": str(outside), "place": str(place)})
            self._socket.send(message.encode())
            answer = self._socket.recv(_MESSAGE_BYTES).decode(errors="replace")
        except OSError as error:
            raise HatchError(f"{outside} could not be shown to a cage: {error}") from error
        if answer != "shown":
            raise HatchError(f"{outside} could not be shown to a cage: {answer or 'its keeper has ended'}")

    def close(self) -> None:
        self._socket.close()
        self._theirs.close()
