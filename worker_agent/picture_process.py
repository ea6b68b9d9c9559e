"""A child that works on pictures: kept open, killed when it hangs, replaced when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from worker_agent.blender.channel import Channel, Garbled, Silence
from worker_agent.memory_order import offer_to_the_oom_killer

_ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 60.0


class ProcessDied(Exception):
    """It crashed over a picture, or said something that is no answer."""


class ProcessTimedOut(Exception):
    """It was over its time and has been killed."""


class ProcessUnavailableError(Exception):
    """It does not come up."""


class PictureProcess:
    """Used by one thread. Starts its child when it is first asked: a program that says `ready`, and then
    answers each request."""

    def __init__(self, command: Sequence[str], *, name: str) -> None:
        self._command = list(command)
        self._name = name
        self._child: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None

    @property
    def pid(self) -> int | None:
        """Of the child that is running, for measuring its memory."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the child unless it runs. Raises ProcessUnavailableError."""
        if self._child is not None:
            return
        try:
            child = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=_ROOT,
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise ProcessUnavailableError(str(error)) from error
        offer_to_the_oom_killer(child.pid)
        assert child.stdin and child.stdout
        channel = Channel(os.dup(child.stdin.fileno()), os.dup(child.stdout.fileno()), None)
        child.stdin.close()
        child.stdout.close()
        self._child, self._channel = child, channel
        try:
            self._receive(_START_SECONDS)
        except (ProcessDied, ProcessTimedOut) as error:
            raise ProcessUnavailableError(str(error)) from error

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to one request.

        Raises ProcessDied, ProcessTimedOut (the next call starts another), ProcessUnavailableError.
        """
        self.start()
        assert self._channel
        silence = self._channel.send(request, time.monotonic() + seconds)
        if silence is not None:
            self._fail(silence, seconds)
        return self._receive(seconds)

    def close(self) -> None:
        """End the child, whatever it does."""
        child, self._child, channel, self._channel = self._child, None, self._channel, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        if channel is not None:
            channel.close()

    def _receive(self, seconds: float) -> dict[str, Any]:
        assert self._channel
        try:
            event = self._channel.receive(time.monotonic() + seconds)
        except Garbled as error:
            self.close()
            raise ProcessDied(f"the {self._name} sent rubbish") from error
        if isinstance(event, Silence):
            self._fail(event, seconds)
        return event

    def _fail(self, silence: Silence, seconds: float) -> NoReturn:
        self.close()
        if silence is Silence.TIMED_OUT:
            raise ProcessTimedOut(f"not done within {seconds:g} s")
        raise ProcessDied(f"the {self._name} crashed")


def _environment() -> dict[str, str]:
    """Nothing of the agent's own: no credentials for a stranger's pictures."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "OPENBLAS_NUM_THREADS": "1"}  # its threads would eat the address space
