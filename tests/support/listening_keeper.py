"""What systemd does with an agent that notifies it, where no systemd runs: a real socket that listens."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class ListeningKeeper:
    """Hears all that is sent to `address`."""

    address: str
    heard: list[tuple[float, str]] = field(default_factory=list)
    """Moments of time.monotonic, and what was said."""

    def has_heard(self, state: str) -> bool:
        return any(state in said.splitlines() for _, said in list(self.heard))

    def beats_since(self, moment: float) -> list[float]:
        return [at for at, said in list(self.heard) if said == "WATCHDOG=1" and at >= moment]

    def silent_seconds(self, now: float) -> float:
        """Since the last beat."""
        return now - max(self.beats_since(0))


@contextmanager
def a_keeper(folder: Path) -> Iterator[ListeningKeeper]:
    address = folder / "notify"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(address))
    keeper = ListeningKeeper(str(address))
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            said = listening.recv(4096).decode()
            keeper.heard.append((time.monotonic(), said))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        ended.set()
        _wake(keeper.address)
        thread.join()
        listening.close()
        address.unlink()


def _wake(address: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"enough", address)
