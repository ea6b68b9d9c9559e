"""What comes through a Blender's pipe: a stranger's scripts may write there, and all of it ends in words.

The session is the real one; its child is a file of lines that somebody has written.
"""

from __future__ import annotations

import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz.target import Target
from tests.fuzz.texts import VALUES, damaged, weighed
from worker_agent.blender.channel import Channel
from worker_agent.blender.child import Child
from worker_agent.blender.errors import BlenderError
from worker_agent.blender.log_file import LogFile
from worker_agent.blender.process import BlenderSession
from worker_agent.blender.report import Expectations, RenderedFrame, SceneReport

Lines = tuple[str, list[bytes]]
"""What the agent waits for, and what comes."""

SECONDS = 20
_SCENE = {
    "name": "Scene",
    "frame_start": 1,
    "frame_end": 250,
    "frame_step": 1,
    "engine": "CYCLES",
    "file_format": "PNG",
    "camera": "Camera",
}
_REPORT = {
    "scene": "Scene",
    "frame_start": 1,
    "frame_end": 250,
    "frame_step": 1,
    "fps": 24.0,
    "engine": "CYCLES",
    "file_format": "PNG",
    "extension": ".png",
    "width": 1920,
    "height": 1080,
    "camera": None,
    "simulations": [{"kind": "cloth", "object": "Flag", "ready": False, "first_frame": 1, "last_frame": 250}],
    "scenes": [_SCENE],
    "missing_files": [{"kind": "image", "name": "wood", "path": "//wood.png", "detail": ""}],
    "missing_file_count": 1,
    "frame_outputs": {
        "main": {
            "suffixes": [""],
            "extension": ".png",
            "file_format": "PNG",
            "color_depth": 8,
            "multilayer": False,
            "width": 1920,
            "height": 1080,
        },
        "node_files": [{"node": "File Output", "folder": "a", "stem": "b", "count": 1}],
    },
    "color_view": {
        "stored_in": "",
        "display": "sRGB",
        "view": "AgX",
        "look": "None",
        "exposure": 0.0,
        "gamma": 1.0,
        "curves": False,
        "white_balance": False,
    },
    "notes": ["a remark"],
}
_FAILED: dict[str, Any] = {"event": "failed", "code": "render_failed", "reason": "it broke", "frame": 1}
_EVENTS: dict[str, list[dict[str, Any]]] = {
    "open": [
        {"event": "opened", "report": _REPORT, "device": {"kind": "CPU", "name": "", "note": ""}},
        {**_FAILED, "during": "open", "code": "no_camera"},
        {**_FAILED, "during": "open", "code": "no_device"},
    ],
    "bake": [
        {"event": "bake_progress", "kind": "cloth", "object": "Flag", "frame": 3, "last_frame": 9},
        {"event": "baked", "expectations": [1, 2]},
        {**_FAILED, "during": "bake"},
    ],
    "prove": [{"event": "proved"}, {**_FAILED, "during": "prove", "code": "unproved"}],
    "render": [
        {"event": "frame_rendered", "frame": 1, "seconds": 0.5, "files": ["0001.png"], "log_end": 9},
        {"event": "render_finished"},
        {**_FAILED, "during": "render"},
    ],
}
_NUMBERS = [b"Infinity", b"-Infinity", b"NaN", b"1e999", b"9" * 5_000, b"-1", b"true", b"9" * 30]
_DEEP = [b"[" * 100_000, b'{"event":' * 50_000]


@st.composite
def lines(draw: st.DrawFn) -> Lines:
    """Some events, most of which belong there."""
    doing = draw(st.sampled_from(sorted(_EVENTS)))
    events = st.sampled_from(_EVENTS[doing])
    line = weighed(
        (30, events.map(json.dumps).map(str.encode)),
        (30, damaged(events).map(json.dumps).map(str.encode)),
        (10, _with_a_number(events)),
        (5, VALUES.map(json.dumps).map(str.encode)),
        (5, st.binary(max_size=80)),
        (1, st.sampled_from(_DEEP)),
    )
    return doing, draw(st.lists(line, min_size=1, max_size=4))


@st.composite
def _with_a_number(draw: st.DrawFn, events: SearchStrategy[dict[str, Any]]) -> bytes:
    """An event with a number that Python's JSON reads, and that few expect."""
    event = draw(events)
    key = draw(st.sampled_from(sorted(event)))
    text = json.dumps({**event, key: "HERE"})
    return text.encode().replace(b'"HERE"', draw(st.sampled_from(_NUMBERS)))


LINES: SearchStrategy[Lines] = lines()


class _Child:
    """Stands for a process that has written its lines and gone."""

    excess = ""
    pid = 0

    def __init__(self, written: bytes) -> None:
        events, commands = os.memfd_create("events"), os.memfd_create("commands")
        os.write(events, written)
        os.lseek(events, 0, os.SEEK_SET)
        self.channel = Channel(commands, events, None)

    def kill(self) -> None:
        """It is gone."""

    def wait_gone(self, seconds: float) -> bool:
        return True

    def end(self) -> int:
        return 0


@cache
def _place() -> Path:
    keeper = tempfile.TemporaryDirectory(prefix="fuzz-")
    _kept.append(keeper)
    folder = Path(keeper.name)
    (folder / "scene.blend").write_bytes(b"BLENDER-v000" + bytes(99))
    (folder / "blender.log").write_text("what Blender said")
    return folder


_kept: list[tempfile.TemporaryDirectory[str]] = []


def check(given: Lines) -> str:
    doing, written = given
    child = cast(Child, _Child(b"".join(line.replace(b"\n", b" ") + b"\n" for line in written)))
    with BlenderSession(child, LogFile(_place() / "blender.log")) as session:
        try:
            _do(session, doing)
        except BlenderError as error:
            assert isinstance(error.reason, str) and isinstance(error.code, str)
            assert error.frame is None or isinstance(error.frame, int), error.frame
            return "refused"
    return f"taken: {doing}"


def _do(session: BlenderSession, doing: str) -> None:
    match doing:
        case "open":
            report = session.open(_place() / "scene.blend", {}, SECONDS)
            assert SceneReport.from_json(json.loads(json.dumps(report.to_json()))) == report
        case "bake":
            expectations = session.bake(9, _place(), lambda progress: None, SECONDS)
            assert json.dumps(expectations)
        case "prove":
            session.prove(Expectations(), SECONDS)
        case _:
            for frame in session.render([1], _place(), SECONDS):
                assert isinstance(frame, RenderedFrame) and frame.frame == 1, frame
                assert 0 <= frame.seconds < 1e9, frame


TARGET = Target(name="events", inputs=LINES, check=check)
