"""Which channels of a file are the picture that a person wants to see. Runs in the decoder only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_GREY: Final = ("Y", "V", "I")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    subimage: int
    colors: tuple[int, int, int]
    """Numbers of the channels; three times the same one when the picture is grey."""
    alpha: int | None


def visible(specs: Sequence[Any]) -> Visible | None:
    """The picture itself, else the composited pass of a multilayer file, else the first combined pass.

    Of several views the first in the file's own order; None when a file has no colours.
    """
    found = [
        (_rank(name), order, picture)
        for order, (name, picture) in enumerate(
            named for number, spec in enumerate(specs) for named in _pictures(number, spec, len(specs) > 1)
        )
    ]
    return min(found, key=lambda item: item[:2])[2] if found else None


def _pictures(number: int, spec: Any, of_several: bool) -> list[tuple[str, Visible]]:
    part = spec.getattribute("oiio:subimagename") or "" if of_several else ""
    groups: dict[str, dict[str, int]] = {}
    for channel, name in enumerate(spec.channelnames):
        layer, _, own = name.rpartition(".")
        groups.setdefault(layer, {}).setdefault(own.upper()[:1] if len(own) == 1 else own, channel)
    pictures = []
    for layer, channels in groups.items():
        name = layer if layer.startswith(part) else f"{part}.{layer}".strip(".")
        if colors := _colors(channels, alone=len(spec.channelnames) <= 2):
            alpha = channels.get("A")
            pictures.append((name, Visible(subimage=number, colors=colors, alpha=alpha)))
    return pictures


def _colors(channels: dict[str, int], *, alone: bool) -> tuple[int, int, int] | None:
    if all(name in channels for name in "RGB"):
        return channels["R"], channels["G"], channels["B"]
    grey = next((channels[name] for name in _GREY if name in channels), None)
    if grey is None and alone:
        grey = min(channels.values())
    return None if grey is None else (grey, grey, grey)


def _rank(name: str) -> int:
    parts = name.split(".")
    if name == "" or "Combined" not in parts:
        return 0 if name == "" else 3
    return 1 if parts[0] == "Composite" else 2
