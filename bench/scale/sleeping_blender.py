"""What stands in for a Blender: it takes as long as a frame should, and writes a small picture."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, Self, cast

from worker_agent.blender import (
    BakeProgress,
    BlenderKilled,
    BlenderSession,
    ColorView,
    Expectations,
    FrameOutputs,
    MainPicture,
    RenderedFrame,
    SceneReport,
)
from worker_agent.blender.child import Child
from worker_agent.blender.exchanges import UNKNOWN
from worker_agent.blender.log_file import LogFile

VERSION: Final = "4.5.15"
SIDE: Final = 32
"""Pixels of the picture, each way."""
_OUTPUTS: Final = FrameOutputs(
    main=MainPicture(
        suffixes=("",),
        extension=".png",
        file_format="PNG",
        color_depth=8,
        multilayer=False,
        width=SIDE,
        height=SIDE,
    ),
    node_files=(),
)
_VIEW: Final = ColorView(
    stored_in="",
    display="sRGB",
    view="Standard",
    look="None",
    exposure=0.0,
    gamma=1.0,
    curves=False,
    white_balance=False,
)


def _report() -> SceneReport:
    return SceneReport(
        runtime_version=VERSION,
        file_version="4.5",
        scene="Scene",
        frame_start=1,
        frame_end=1,
        frame_step=1,
        fps=24.0,
        engine="CYCLES",
        file_format="PNG",
        extension=".png",
        width=SIDE,
        height=SIDE,
        camera="Camera",
        simulations=(),
        scenes=(),
        missing_files=(),
        missing_file_count=0,
        frame_outputs=_OUTPUTS,
        color_view=_VIEW,
        notes=(),
    )


def black_png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(SIDE * (1 + 3 * SIDE)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class SleepingBlender(BlenderSession):
    """A session without a child: whatever would ask one is answered here."""

    frame_seconds: ClassVar[float] = 1.0
    """What every frame takes."""
    told_seconds: ClassVar[float] = 1.0
    """What it says that it took."""
    picture: ClassVar[bytes] = black_png()

    def __init__(self) -> None:
        super().__init__(cast(Child, None), cast(LogFile, None))
        self.identity = replace(UNKNOWN, version=VERSION, build="asleep")
        self._frame_outputs, self._color_view = _OUTPUTS, _VIEW
        self._killed = threading.Event()

    @classmethod
    def start(cls, **_: object) -> Self:
        return cls()

    @property
    def memory_bytes(self) -> int:
        return 0

    @property
    def peak_memory_bytes(self) -> int:
        return 0

    def forget_peak(self) -> None:
        pass

    @property
    def processor_seconds(self) -> float:
        return 0.0

    def open(
        self, blend: Path, options: Mapping[str, object], timeout_seconds: float, **_: object
    ) -> SceneReport:
        assert blend.is_file(), blend
        self.is_as_loaded = True
        return _report()

    def bake(
        self,
        last_frame: int,
        project: Path,
        on_progress: Callable[[BakeProgress], None],
        timeout_seconds: float,
    ) -> Expectations:
        raise AssertionError("its scene has nothing to bake")

    def render(
        self, frames: Sequence[int], output: Path, timeout_seconds_per_frame: float
    ) -> Iterator[RenderedFrame]:
        """As a Blender does, it is at the next frame while its caller is still busy with the last."""
        done_at = time.monotonic()
        for frame in frames:
            done_at += self.frame_seconds
            if self._killed.wait(max(0.0, done_at - time.monotonic())):
                raise BlenderKilled("Blender was stopped by the farm.", "killed", frame=frame)
            name = f"{frame:04d}.png"
            (output / name).write_bytes(self.picture)
            log = f"Fra:{frame} Mem:8.00M\nSaved: {name}\n"
            self.frames_rendered += 1
            yield RenderedFrame(frame, self.told_seconds, (name,), log)

    def log_tail(self) -> str:
        return "Blender's log"

    def kill(self) -> None:
        self._killed.set()

    def close(self) -> None:
        self._killed.set()
