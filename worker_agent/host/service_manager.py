"""Tells whoever keeps the agent running how it does, as systemd wants to hear it.

The protocol is sd_notify(3)'s: lines such as READY=1 in one datagram to the socket that the environment
names. Where it names none, as on a laptop, nobody is told.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import MutableMapping
from typing import Final, Self

log = logging.getLogger(__name__)

SOCKET_VARIABLE: Final = "NOTIFY_SOCKET"


class ServiceManager:
    """Safe to use from any thread. Nothing is waited for, and no error of it is the agent's."""

    def __init__(self, address: str = "") -> None:
        """`address`: the socket's path, or its abstract name after an `@`; empty: nobody is told."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._lock = threading.Lock()
        self._ready = False
        self._failing = False

    @classmethod
    def taken_from(cls, env: MutableMapping[str, str]) -> Self:
        """The one that the environment names, which no child then hears of."""
        return cls(env.pop(SOCKET_VARIABLE, ""))

    def ready(self) -> None:
        """The agent works. Said once."""
        with self._lock:
            said, self._ready = self._ready, True
        if not said:
            self._tell("READY=1\nSTATUS=working")

    def stopping(self) -> None:
        """The agent finishes or gives back what it holds, and ends."""
        self._tell("STOPPING=1\nSTATUS=giving work back")

    def alive(self) -> None:
        """A beat for the watchdog (WatchdogSec in render-worker.service)."""
        self._tell("WATCHDOG=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(state.encode(), self._address)
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("cannot tell the service manager %r: %s", state, error)
            self._failing = True
