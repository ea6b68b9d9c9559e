"""The conversation with a child: commands and events, their time limits, and what a silence means."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, NoReturn

from worker_agent.blender.channel import Garbled, Silence
from worker_agent.blender.child import Child, describe_exit
from worker_agent.blender.errors import (
    BlenderDied,
    BlenderError,
    BlenderFailed,
    BlenderKilled,
    BlenderTimedOut,
    DeviceUnavailable,
    SceneRejected,
)
from worker_agent.blender.log_file import LogFile

# Failures of a bake that every try would meet again.
_HOPELESS_BAKES = {"bake_failed", "unproved", "unsupported_simulation", "unloadable_simulation"}
_NO_DEVICE = "no_device"
# Between the end of the child's pipe and the end of the child, for an honest exit status.
_EXIT_SECONDS = 1.0
_DOING = {
    "start": "while starting",
    "greet": "while idle",
    "open": "while opening the file",
    "bake": "while baking",
    "prove": "while proving the bake",
    "render": "while rendering",
}


class Conversation:
    """What is said to one child and what it answers. Used by one thread; `kill` may be called from any.

    The child may be in a stranger's hands: whatever it sends or does not send ends as an error that
    says what it means. After BlenderDied, BlenderTimedOut or BlenderKilled, and after a SceneRejected
    of the code `unloadable_simulation`, the conversation is over and the child has been ended.
    """

    def __init__(self, child: Child, log: LogFile) -> None:
        self._child = child
        self._log = log
        self._killed = False
        self._over: BlenderError | None = None
        self._closed = False

    def check_usable(self) -> None:
        """Raises what ended the conversation, when something has."""
        if self._over is not None:
            raise self._over
        if self._killed:
            self._give_up(BlenderKilled("Blender was stopped by the farm.", "killed"))
        if self._closed:
            raise BlenderDied("This Blender session is closed.", "closed")

    def await_ready(self, seconds: float) -> dict[str, Any]:
        """The event with which the child says that it has started."""
        return self._next("start", None, time.monotonic() + seconds, seconds)

    def ask(
        self,
        command: dict[str, Any],
        during: str,
        seconds: float,
        until: str,
        frames: tuple[int, ...] = (),
    ) -> Iterator[dict[str, Any]]:
        """Sends a command and yields its events up to and including the one called `until`.

        The time limit is for everything, or for each frame when there are frames.
        """
        left = list(frames)
        deadline = time.monotonic() + seconds
        frame = left[0] if left else None
        complete = False
        try:
            silence = self._child.channel.send(command, deadline)
            if silence is not None:
                self._mourn(silence, during, frame, seconds)
            while not complete:
                event = self._next(during, frame, deadline, seconds)
                complete = event["event"] == until
                yield event
                if event["event"] == "frame_rendered":
                    left = left[1:]
                    frame = left[0] if left else None
                    deadline = time.monotonic() + seconds
        except BlenderError:
            complete = True
            raise
        finally:
            if not complete:  # left by the caller: what Blender still sends is nobody's
                self.kill()

    @contextlib.contextmanager
    def well_formed(self) -> Iterator[None]:
        """A stranger's file may have taken the child over: its events are not trusted."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            reason = f"Blender's session sent a malformed event ({error!r})."
            self._give_up(BlenderDied(reason, "garbled"))

    def kill(self) -> None:
        """Ends Blender and its descendants at once, from any thread; a waiter gets BlenderKilled."""
        self._killed = True
        if not self._closed:
            self._child.kill()
            self._child.channel.wake()

    def close(self) -> None:
        """Ends Blender and whatever it has started. Never raises."""
        if self._closed:
            return
        self._child.end()
        self._closed = True
        self._child.channel.close()

    def _next(self, during: str, frame: int | None, deadline: float, seconds: float) -> dict[str, Any]:
        try:
            event = self._child.channel.receive(deadline)
        except Garbled as error:
            reason = f"Blender's session sent something that is no event: {error}."
            self._give_up(BlenderDied(reason, "garbled", frame=frame))
        if isinstance(event, Silence):
            self._mourn(event, during, frame, seconds)
        if event["event"] == "failed":
            with self.well_formed():
                failure = self._failure(event)
            raise failure
        return event

    def _failure(self, event: dict[str, Any]) -> BlenderError:
        code, reason = str(event["code"]), str(event["reason"])
        log = self._log.tail()
        if event["during"] in ("bake", "prove") and code in _HOPELESS_BAKES:
            return SceneRejected(reason, code, log)
        if event["during"] == "open" and code == _NO_DEVICE:
            return DeviceUnavailable(reason, code, log)
        # An unexpected error of ours while opening says nothing about the file.
        if event["during"] == "open" and code != "internal_error":
            if code == "unloadable_simulation":
                # Blender crashes when it lets go of it: the next file would get the blame.
                self._over = BlenderDied("This Blender cannot take another file.", "closed")
                self._child.kill()
            return SceneRejected(reason, code, log)
        frame = event.get("frame")
        return BlenderFailed(reason, code, log, None if frame is None else int(frame))

    def _mourn(self, silence: Silence, during: str, frame: int | None, seconds: float) -> NoReturn:
        """Turns a silence into the error it means, and ends the child."""
        doing = _DOING[during] if frame is None else f"while rendering frame {frame}"
        if self._killed:
            self._give_up(BlenderKilled(f"Blender was stopped {doing}.", "killed", frame=frame))
        if silence is Silence.TIMED_OUT:
            reason = f"Blender was stopped {doing}: not done within {seconds:g} s."
            self._give_up(BlenderTimedOut(reason, "timed_out", frame=frame))
        if excess := self._child.excess:
            self._give_up(BlenderDied(f"Blender was stopped {doing}: {excess}.", "over_limit", frame=frame))
        by_itself = self._child.wait_gone(_EXIT_SECONDS)
        code, what = describe_exit(self._child.end())
        if self._killed:
            self._give_up(BlenderKilled(f"Blender was stopped {doing}.", "killed", frame=frame))
        if not by_itself:
            code, what = "garbled", "closed its channel and was stopped"
        self._give_up(BlenderDied(f"Blender {what} {doing}.", code, frame=frame))

    def _give_up(self, error: BlenderError) -> NoReturn:
        self._child.end()
        error.log = self._log.tail()
        self._over = error
        raise error
