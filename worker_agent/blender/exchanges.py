"""What is asked of a Blender, and how its answers are read: a stranger's file may be what gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from worker_agent.blender.conversation import Conversation
from worker_agent.blender.file_header import BlenderVersion
from worker_agent.blender.log_file import LogFile
from worker_agent.blender.report import BakeProgress, Expectations, RenderedFrame

_NEVER_SECONDS: Final = 366 * 86_400.0
"""No frame takes so long, whatever Blender says."""
_GREETING_SECONDS: Final = 3.0
"""For a Blender that has nothing to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a Blender says of itself when it has started, before it has read a stranger's file."""

    series: BlenderVersion
    version: str
    build: str
    color_config: str
    """Where it has its colour configuration."""


UNKNOWN: Final = Identity(series=BlenderVersion(0, 0), version="", build="", color_config="")
"""While it starts."""


def await_identity(conversation: Conversation, timeout_seconds: float) -> Identity:
    """Wait until it has started. Raises BlenderDied, BlenderTimedOut or BlenderKilled."""
    ready = conversation.await_ready(timeout_seconds)
    with conversation.well_formed():
        major, minor, patch = (int(number) for number in ready["version"])
        return Identity(
            series=BlenderVersion(major, minor),
            version=f"{major}.{minor}.{patch}",
            build=str(ready["build"]),
            color_config=str(ready.get("color_config", "")),
        )
    raise AssertionError("unreachable")


def greet(conversation: Conversation) -> None:
    """Raises a BlenderError when it has not answered at once."""
    for _ in conversation.ask({"do": "greet"}, "greet", _GREETING_SECONDS, until="greeted"):
        pass


def bake(
    conversation: Conversation,
    last_frame: int,
    project: Path,
    on_progress: Callable[[BakeProgress], None],
    timeout_seconds: float,
) -> Expectations:
    """As BlenderSession.bake."""
    command = {"do": "bake", "last_frame": last_frame, "project": str(project.absolute())}
    for event in conversation.ask(command, "bake", timeout_seconds, until="baked"):
        with conversation.well_formed():
            if event["event"] == "bake_progress":
                kind, name = str(event["kind"]), str(event["object"])
                progress = BakeProgress(kind, name, int(event["frame"]), int(event["last_frame"]))
            else:
                return Expectations(event["expectations"])
        on_progress(progress)
    raise AssertionError("unreachable")


def prove(conversation: Conversation, expectations: Expectations, timeout_seconds: float) -> None:
    """As BlenderSession.prove."""
    command = {"do": "prove", "expectations": expectations}
    for _ in conversation.ask(command, "prove", timeout_seconds, until="proved"):
        pass


def render(
    conversation: Conversation,
    log: LogFile,
    frames: Sequence[int],
    output: Path,
    timeout_seconds_per_frame: float,
) -> Iterator[RenderedFrame]:
    """As BlenderSession.render; each frame with what has been printed since the one before."""
    command = {"do": "render", "frames": list(frames), "output": str(output.absolute())}
    log.since_mark()
    waiting = list(frames)
    events = conversation.ask(command, "render", timeout_seconds_per_frame, "render_finished", tuple(frames))
    for event in events:
        if event["event"] == "frame_rendered":
            with conversation.well_formed():
                frame, seconds = int(event["frame"]), float(event["seconds"])
                if frame not in waiting or not 0 <= seconds < _NEVER_SECONDS:
                    raise ValueError(f"frame {frame} after {seconds} s: expected one of {waiting[:3]}")
                waiting.remove(frame)
                files = tuple(str(file) for file in event["files"])
                printed = log.since_mark(int(event["log_end"]))
            yield RenderedFrame(frame, seconds, files, printed)
