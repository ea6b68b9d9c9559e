"""Scene-linear colours as Blender shows them, by its own configuration. Runs in the decoder only."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np

Colors = Any
"""A numpy array of 32-bit floats, any number of RGB triples."""
Apply = Callable[[Colors], Colors]
"""From stored colours to shown ones, 0 to 1; may change what it is given."""

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
) -> tuple[Apply, str]:
    """How to show the pictures of a scene, and what of its view is missing then, in words for its owner.

    `config` is a path; the other names are the configuration's own. `exposure` in stops.
    """
    try:
        apply = _with_blenders_config(config, stored_in, display, view, look, exposure, gamma)
    except Exception as error:  # of the library, or that it is not there
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return _plain_srgb, f'The preview is in plain sRGB, without the view transform "{view}": {why}'
    missing = [
        name for name, used in (("curves", curves), ("white balance", white_balance)) if used
    ]  # applied before the view transform
    note = f"The preview is without the {' and the '.join(missing)} of the scene's view." if missing else ""
    return apply, note


def _with_blenders_config(
    path: str, stored_in: str, display: str, view: str, look: str, exposure: float, gamma: float
) -> Apply:
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
    processor = config.getProcessor(steps).getDefaultCPUProcessor()

    def apply(colors: Colors) -> Colors:
        processor.applyRGB(colors)
        return colors

    return apply


def _look_name(config: Any, view: str, look: str) -> str:
    """Blender calls a look that is for one view only by the view's name and its own, or its own alone."""
    there = list(config.getLookNames())
    return next((name for name in (look, f"{view} - {look}") if name in there), look)


def _plain_srgb(colors: Colors) -> Colors:
    colors = np.clip(colors, 0, 1)
    return np.where(colors <= 0.0031308, 12.92 * colors, 1.055 * colors ** (1 / 2.4) - 0.055)
