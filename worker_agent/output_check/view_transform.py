"""Scene-linear colours as Blender shows them, by its own configuration. Runs in the decoder only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

Colors = Any
"""A numpy array of 32-bit floats, any number of RGB triples."""


@dataclass(frozen=True, slots=True)
class View:
    """From stored colours to shown ones. Both may change what they are given: rows of RGB, contiguous."""

    floats: Callable[[Colors], Colors]
    """0 to 1."""
    bytes: Callable[[Colors], Colors]
    """The same in 8 bits, in half the time."""


SCREEN: Final = "sRGB"
"""A preview is for any screen: a scene's wider one is heeded only where its view knows no other."""


@lru_cache(maxsize=8)
def view_transform(
    *,
    config: str,
    stored_in: str,
    display: str,
    view: str,
    look: str,
    exposure: float,
    gamma: float,
    curves: bool,
    white_balance: bool,
) -> tuple[View, str]:
    """How to show the pictures of a scene, and what of its view is missing then, in words for its owner.

    `config` is a path; the other names are the configuration's own. `exposure` in stops.
    """
    try:
        shown = _with_blenders_config(config, stored_in, display, view, look, exposure, gamma)
    except Exception as error:  # of the library, or that it is not there
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return _PLAIN, f'The preview is in plain sRGB, without the view transform "{view}": {why}'
    missing = [
        name for name, used in (("curves", curves), ("white balance", white_balance)) if used
    ]  # applied before the view transform
    note = f"The preview is without the {' and the '.join(missing)} of the scene's view." if missing else ""
    return shown, note


def _with_blenders_config(
    path: str, stored_in: str, display: str, view: str, look: str, exposure: float, gamma: float
) -> View:
    """As Blender does it: exposure, look, view, gamma."""
    import PyOpenColorIO as ocio  # noqa: N813 (its own spelling of a short name)

    config = ocio.Config.CreateFromFile(path)
    if SCREEN in config.getDisplays() and view in config.getViews(SCREEN):
        display = SCREEN
    linear = ocio.ROLE_SCENE_LINEAR
    steps = ocio.GroupTransform()
    steps.appendTransform(ocio.ColorSpaceTransform(src=stored_in, dst=linear))
    if exposure:
        scale = 2.0**exposure
        steps.appendTransform(ocio.MatrixTransform([*np.diag([scale, scale, scale, 1.0]).ravel()]))
    shown_from = linear
    if has_look := look not in ("", "None"):
        name = _look_name(config, view, look)
        shown_from = config.getLook(name).getProcessSpace()
        steps.appendTransform(ocio.LookTransform(src=linear, dst=shown_from, looks=name))
    shown = ocio.DisplayViewTransform(src=shown_from, display=display, view=view)
    shown.setLooksBypass(has_look)
    steps.appendTransform(shown)
    if gamma != 1.0:
        power = 1.0 / max(gamma, 1e-6)
        steps.appendTransform(ocio.ExponentTransform([power, power, power, 1.0]))
    processor = config.getProcessor(steps)
    to_floats = processor.getDefaultCPUProcessor()
    to_bytes = processor.getOptimizedCPUProcessor(
        ocio.BIT_DEPTH_F32, ocio.BIT_DEPTH_UINT8, ocio.OPTIMIZATION_DEFAULT
    )

    def floats(colors: Colors) -> Colors:
        to_floats.applyRGB(colors)
        return colors

    def bytes_(colors: Colors) -> Colors:
        shown = np.empty(colors.shape, np.uint8)
        to_bytes.apply(_described(colors, ocio.BIT_DEPTH_F32), _described(shown, ocio.BIT_DEPTH_UINT8))
        return shown

    return View(floats, bytes_)


def _described(rows: Colors, depth: Any) -> Any:
    """As the library takes a picture that it does not own."""
    import PyOpenColorIO as ocio  # noqa: N813 (its own spelling of a short name)

    height, width, channels = rows.shape
    return ocio.PackedImageDesc(
        rows, width, height, channels, depth, rows.itemsize, channels * rows.itemsize, rows.strides[0]
    )


def _look_name(config: Any, view: str, look: str) -> str:
    """Blender calls a look that is for one view only by the view's name and its own, or its own alone."""
    there = list(config.getLookNames())
    return next((name for name in (look, f"{view} - {look}") if name in there), look)


def _plain_srgb(colors: Colors) -> Colors:
    colors = np.clip(colors, 0, 1)
    return np.where(colors <= 0.0031308, 12.92 * colors, 1.055 * colors ** (1 / 2.4) - 0.055)


def in_bytes(colors: Colors) -> Colors:
    """8 bits of what is 0 to 1."""
    return np.rint(np.clip(colors, 0, 1) * 255).astype(np.uint8)


_PLAIN: Final = View(_plain_srgb, lambda colors: in_bytes(_plain_srgb(colors)))
