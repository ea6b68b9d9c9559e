"""A stand-in for Blender that takes as long over a frame or a bake as it is told, and renders a small PNG.

Run by the script that `paced_runtime` (below) writes: `FOLDER … R W`. How long, it reads from
`FOLDER/pace.json` when it begins: `{"bake": 60, "1": 0.3}`, in seconds; what is not there takes no time.
It tells what it begins in files `FOLDER/begun-<name>`. It ignores SIGTERM, and has one child in its group
and one in a session of its own: the ids of all three are in `FOLDER/pids`.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

SIZE = 32
VERSION, BUILD = "4.5.15", "fake"


def paced_runtime(folder: Path) -> Path:
    """An executable that is this Blender."""
    folder.mkdir(parents=True)
    path = folder / "blender"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{__file__}" "{folder}" "$@"\n')
    path.chmod(0o755)
    return path


class _Paced:
    def __init__(self, folder: Path, commands_fd: int, events_fd: int) -> None:
        self.folder, self.commands, self.events_fd = folder, os.fdopen(commands_fd), events_fd

    def run(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleep = [sys.executable, "-I", "-c", "import time; time.sleep(300)"]
        family = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
        (self.folder / "pids").write_text(" ".join(map(str, (os.getpid(), *(p.pid for p in family)))))
        self.send(event="ready", version=[int(part) for part in VERSION.split(".")], build=BUILD, log_end=0)
        for line in self.commands:
            command = json.loads(line)
            getattr(self, command["do"])(command)
        for process in family:
            process.kill()

    def send(self, **event: object) -> None:
        os.write(self.events_fd, json.dumps(event).encode() + b"\n")

    def greet(self, _: object) -> None:
        self.send(event="greeted", log_end=0)

    def take_time(self, name: str) -> float:
        seconds = float(json.loads((self.folder / "pace.json").read_text()).get(name, 0))
        (self.folder / f"begun-{name}").touch()
        time.sleep(seconds)
        return seconds

    def open(self, command: dict[str, Any]) -> None:
        self.take_time("open")
        scene = {"frame_start": 1, "frame_end": 4, "frame_step": 1, "engine": "CYCLES", "file_format": "PNG"}
        cloth = {"kind": "cloth", "object": "Sheet", "ready": False, "first_frame": 1, "last_frame": 4}
        picture = {"suffixes": [""], "extension": ".png", "file_format": "PNG", "color_depth": 8}
        picture |= {"multilayer": False, "width": SIZE, "height": SIZE}
        report = {
            **scene,
            "scene": "Scene",
            "fps": 24.0,
            "extension": ".png",
            "width": SIZE,
            "height": SIZE,
            "camera": "Camera",
            "simulations": [cloth],
            "scenes": [{**scene, "name": "Scene", "camera": "Camera"}],
            "missing_files": [],
            "missing_file_count": 0,
            "frame_outputs": {"main": picture, "node_files": []},
            "color_view": {
                "stored_in": "",
                "display": "sRGB",
                "view": "Standard",
                "look": "None",
                "exposure": 0.0,
                "gamma": 1.0,
                "curves": False,
                "white_balance": False,
            },
            "notes": [],
        }
        self.send(event="opened", report=report, device={"kind": "CPU", "name": "", "note": ""}, log_end=0)

    def bake(self, command: dict[str, Any]) -> None:
        self.take_time("bake")
        self.send(event="baked", expectations=[], log_end=0)

    def prove(self, command: dict[str, Any]) -> None:
        self.send(event="proved", log_end=0)

    def render(self, command: dict[str, Any]) -> None:
        for frame in command["frames"]:
            seconds = self.take_time(str(frame))
            name = f"{frame:04d}.png"
            (Path(command["output"]) / name).write_bytes(_png())
            self.send(event="frame_rendered", frame=frame, seconds=seconds, files=[name], log_end=0)
        self.send(event="render_finished", log_end=0)


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    rows = (b"\0" + b"\x40\x80\xc0" * SIZE) * SIZE
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


if __name__ == "__main__":
    _Paced(Path(sys.argv[1]), int(sys.argv[-2]), int(sys.argv[-1])).run()
