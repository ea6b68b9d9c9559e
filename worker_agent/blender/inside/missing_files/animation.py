"""Whether a setting is animated, so that its present value holds for one frame only."""

from collections.abc import Iterator
from typing import Any


def touches(owner: Any, words: "tuple[str, ...]") -> bool:
    """Whether a curve or driver of a data-block sets a property whose path has one of these words."""
    data = owner.animation_data
    if data is None:
        return False
    if len(data.nla_tracks):
        return True  # what a track sets is deep inside: expect the worst
    curves = [*data.drivers, *_curves(data.action)]
    return any(word in curve.data_path for curve in curves for word in words)


def _curves(action: Any) -> "Iterator[Any]":
    """Of every slot: actions have layers from 4.4 on, and nothing else from 5.0 on."""
    if action is None:
        return
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves
