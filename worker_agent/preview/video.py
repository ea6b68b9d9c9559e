"""An mp4 that every player plays: H.264 of 8 bits, written frame by frame. Runs in the encoder only."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

_SMALLEST: Final = 16
"""Pixels of a side: players trip over less."""
_OPTIONS: Final = {
    "crf": "19",
    "preset": "fast",
    "rc-lookahead": "20",  # frames that it holds in memory
    "threads": "2",
}
_BT709, _SRGB_CURVE = 1, 13
"""As H.264 numbers them: matrix and primaries; the curve of the JPEGs that it is made from."""


def even(pixels: int) -> int:
    """The size of a video's side for a picture's."""
    return max(_SMALLEST, pixels + pixels % 2)


class Video:
    """Has to be closed to be a file that can be played."""

    def __init__(self, path: Path, *, width: int, height: int, rate: Fraction) -> None:
        """Sizes of even numbers of pixels, `rate` in frames per second."""
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        stream: Any = self._container.add_stream("libx264", rate=rate, options=dict(_OPTIONS))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = self._tick = 1 / rate  # the stream's own becomes the file's
        context.color_range, context.colorspace = ColorRange.MPEG, _BT709
        context.color_primaries, context.color_trc = _BT709, _SRGB_CURVE
        self._stream = stream
        self._frames = 0

    def add(self, image: Image.Image) -> None:
        """The next frame: RGB, of the video's size."""
        picture: Any = av.VideoFrame  # typed in part
        frame = picture.from_image(image).reformat(
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base, frame.duration = self._frames, self._tick, 1
        self._frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is left, and the index, and that to the front."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
