"""Watches a frame's file being decoded, and makes its small pictures of it. Runs in the decoder only."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Final

import numpy as np
from PIL import Image

from worker_agent.output_check.channels import Visible, visible
from worker_agent.output_check.small_pictures import SmallPictures
from worker_agent.output_check.view_transform import View, in_bytes, view_transform

_PIECE_PIXELS: Final = 1 << 20
"""Shown at once: as floats, with copies, some 50 MB."""
BACKGROUND: Final = 0.25
"""Of what is transparent: a dark grey."""

Watch = Callable[..., None]


def _never_raises(watch: Watch) -> Watch:
    """The check goes on whatever becomes of the pictures."""

    @wraps(watch)
    def guarded(self: FramePicture, *args: Any) -> None:
        if self.problem:
            return
        try:
            watch(self, *args)
        except Exception as error:
            self.problem = f"{type(error).__name__}: {error}"[:300]

    return guarded


class FramePicture:
    """One for each file. `shown` is what view_transform takes."""

    def __init__(self, shown: Mapping[str, Any]) -> None:
        self.problem = ""
        self._shown = dict(shown)
        self._note = ""
        self._pictures: SmallPictures | None = None
        self._visible: Visible | None = None
        self._view: View | None = None

    @_never_raises
    def begin(self, specs: Sequence[Any]) -> None:
        """OpenImageIO has opened a file with these pictures in it."""
        self._visible = visible(specs)
        if self._visible is None:
            raise ValueError("the file has no colours")
        spec = specs[self._visible.subimage]
        self._pictures = SmallPictures(spec.width, spec.height)
        if self._shown["stored_in"]:
            self._view, self._note = view_transform(**self._shown)

    @_never_raises
    def add(self, number: int, band: Any) -> None:
        """Whole rows of one of them, as they are in the file; alpha is multiplied into the colours."""
        if self._visible is None or number != self._visible.subimage:
            return
        picked = [*self._visible.colors, *([self._visible.alpha] if self._visible.alpha is not None else [])]
        height, width = band.shape[:2]
        lines = max(1, _PIECE_PIXELS // width)
        for top in range(0, height, lines):
            piece = band[top : top + lines]
            self._show(piece if picked == [*range(piece.shape[2])] else piece[:, :, picked])

    @_never_raises
    def take_image(self, image: Any) -> None:
        """A picture of Pillow's, which is decoded as a whole."""
        self._pictures = SmallPictures(*image.size)
        lines = max(1, _PIECE_PIXELS // image.width)
        for top in range(0, image.height, lines):
            piece = image.crop((0, top, image.width, min(top + lines, image.height)))
            if piece.mode.startswith("I"):  # grey, of 16 bits
                grey = np.clip(np.asarray(piece).astype(np.float32) / 65535, 0, 1)
                self._take(np.repeat(grey[:, :, None], 3, axis=2))
                continue
            pixels = np.asarray(piece.convert("RGBA" if piece.has_transparency_data else "RGB"))
            self._show(pixels, multiplied=False)

    def answer(self) -> dict[str, str]:
        """For the agent: `thumbnail` and `proxy` in Base64 and a `note`, or the `problem`."""
        made: list[bytes] = []
        self._finish(made)
        if self.problem or not made:
            return {"problem": self.problem or "nothing of it was decoded"}
        thumbnail, proxy = (base64.b64encode(data).decode() for data in made)
        return {"thumbnail": thumbnail, "proxy": proxy, "note": self._note}

    @_never_raises
    def _finish(self, made: list[bytes]) -> None:
        if self._pictures is not None:
            made += self._pictures.finish()

    def _show(self, pixels: Any, *, multiplied: bool = True) -> None:
        """RGB or RGBA as the file has them, with alpha `multiplied` into the colours or not."""
        assert self._pictures is not None
        if pixels.dtype == np.uint8 and self._view is None and _opaque(pixels):
            # as most frames are: arithmetic would take longer than all the rest
            self._pictures.add(_without_alpha(pixels))
            return
        floats = _floats(pixels)
        if not multiplied and floats.shape[2] == 4:
            floats[:, :, :3] *= floats[:, :, 3:]
        self._take(floats)

    def _take(self, pixels: Any) -> None:
        """RGB or RGBA as floats, colours multiplied by alpha."""
        assert self._pictures is not None
        colors, alpha = pixels[:, :, :3], pixels[:, :, 3:]
        if self._view is not None:
            if not np.isfinite(colors).all():
                colors = np.nan_to_num(colors, nan=0.0, posinf=65504.0, neginf=0.0)
            if not alpha.size or alpha.min() >= 1:
                self._pictures.add(self._view.bytes(np.ascontiguousarray(colors, np.float32)))
                return
            # what is shown of a colour depends on it, not on how much of it there is
            alpha = np.clip(np.nan_to_num(alpha), 0, 1)
            colors = np.divide(colors, alpha, out=colors, where=alpha > 0)
            colors = self._view.floats(np.ascontiguousarray(colors, np.float32)) * alpha
        if alpha.size:
            colors = colors + BACKGROUND * (1 - alpha)
        self._pictures.add(in_bytes(colors))


def _opaque(pixels: Any) -> bool:
    return bool(pixels.shape[2] == 3 or pixels[:, :, 3].min() == np.iinfo(pixels.dtype).max)


def _without_alpha(pixels: Any) -> Any:
    """Of 8 bits; Pillow does it five times as fast as numpy."""
    return pixels if pixels.shape[2] == 3 else np.asarray(Image.fromarray(pixels).convert("RGB"))


def _floats(pixels: Any) -> Any:
    if np.issubdtype(pixels.dtype, np.integer):
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return pixels.astype(np.float32)
