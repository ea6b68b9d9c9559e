"""The process that makes previews: `python -m worker_agent.preview.encoder`.

The pictures come from a process that reads strangers' files, and libraries of C put them together: where
one crashes or fills the memory, the agent lives on. One JSON request and answer per line, as in
worker_agent.output_check.decoder.
"""

from __future__ import annotations

import base64
import io
import json
import os
import resource
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from PIL import Image

from worker_agent.preview.contact_sheet import ContactSheet, chosen
from worker_agent.preview.fitting import fitted
from worker_agent.preview.gaps import gap

MEMORY_LIMIT_BYTES: Final = 4 << 30
"""Of address space."""
_MOST_PIXELS: Final = 1 << 22
"""Of a proxy; one that claims more is none."""


class Preview:
    """Video and contact sheet of one job, fed frame by frame. The first picture decides about the size.

    A job of one frame has no video: its contact sheet says the same.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        """`frames`: how many will come; `rate`: numerator and denominator; `video` and `sheet`: paths."""
        self._request = request
        self._cells = chosen(request["frames"])
        self._on_sheet = set(self._cells)
        self._waiting: list[dict[str, Any]] = []
        """Gaps before the first picture."""
        self._size: tuple[int, int] | None = None
        self._sheet: ContactSheet | None = None
        self._video: Any = None
        self._added = 0
        self._pictures = 0
        self.video_problem = ""

    def add(self, request: dict[str, Any]) -> dict[str, Any]:
        """`frame`: its number; `picture`: a JPEG in Base64, or `gap`: why there is none."""
        image, gap_text = _opened(request)
        if image is None and self._size is None:
            self._waiting.append({**request, "picture": "", "gap": gap_text})
            return {}
        if image is not None and self._size is None:
            self._begin(image.size)
        self._pictures += image is not None
        self._take(image, request["frame"], gap_text)
        return {}

    def finish(self) -> dict[str, Any]:
        made = []
        if self._sheet is not None:
            self._sheet.save(Path(self._request["sheet"]))
            made.append("sheet")
        if self._video is not None:
            self._try_video(lambda: self._video.close())
            if not self.video_problem:
                made.append("video")
        return {"made": made, "video_problem": self.video_problem, "pictures": self._pictures}

    def _begin(self, size: tuple[int, int]) -> None:
        self._size = size
        self._sheet = ContactSheet(len(self._cells), width=size[0], height=size[1])
        if self._request["frames"] > 1:
            self._try_video(self._open_video)
        for request in self._waiting:
            self._take(None, request["frame"], request["gap"])
        self._waiting = []

    def _open_video(self) -> None:
        from worker_agent.preview import video  # without its library there is a sheet all the same

        assert self._size
        width, height = (video.even(side) for side in self._size)
        self._video_size = width, height
        rate = Fraction(*self._request["rate"])
        self._video = video.Video(Path(self._request["video"]), width=width, height=height, rate=rate)

    def _take(self, image: Image.Image | None, frame: int, gap_text: str) -> None:
        assert self._size and self._sheet
        if self._video is not None and not self.video_problem:
            picture = image or gap(*self._video_size, gap_text)
            self._try_video(lambda: self._video.add(fitted(picture, *self._video_size)))
        if self._added in self._on_sheet:
            label = f"{frame}" if image else f"{frame}: missing"
            cell = image or gap(*self._sheet.cell_size, gap_text)
            self._sheet.add(cell, label, is_gap=image is None)
        self._added += 1

    def _try_video(self, step: Any) -> None:
        try:
            step()
        except Exception as error:
            self.video_problem = f"{type(error).__name__}: {error}"[:300]


def _opened(request: dict[str, Any]) -> tuple[Image.Image | None, str]:
    if not request.get("picture"):
        return None, request["gap"]
    try:
        with Image.open(io.BytesIO(base64.b64decode(request["picture"])), formats=["JPEG"]) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError("too large")
            return image.convert("RGB"), ""
    except Exception as error:
        return None, f"frame {request['frame']}: its picture cannot be opened ({type(error).__name__})"


def main() -> None:
    """Serves one preview, until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):  # libraries print there
        os.dup2(nothing, number)
    _send(answers, {"event": "ready"})
    preview: Preview | None = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "begin":
            preview, answer = Preview(request), {}
        else:
            assert preview
            answer = preview.finish() if request["do"] == "finish" else preview.add(request)
        _send(answers, {"event": "done", **answer})


def _send(answers: int, answer: dict[str, Any]) -> None:
    data = memoryview(json.dumps(answer).encode() + b"\n")
    while data:
        data = data[os.write(answers, data) :]


if __name__ == "__main__":
    main()
