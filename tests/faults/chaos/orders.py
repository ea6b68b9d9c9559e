"""What the fake Blender is told to do wrong, in the one free text that reaches it: a job's option `scene`.

`crash:3x1,7;slow:12` has frame 3 crash once, frame 7 always, and frame 12 take its time. Standard library
only: the fake imports it.
"""

import re
from typing import NamedTuple

PLAIN = "scene"
"""What is written when nothing is to go wrong: the option cannot be empty."""
_LIST = re.compile(r"([a-z_]+):([0-9x,]+)")


class Order(NamedTuple):
    """One frame's misbehaviour, a name of `Misbehaviour` in the fake, and how often (None: always)."""

    name: str
    times: "int | None"


def write_orders(orders: "dict[int, Order]") -> str:
    """The text that parse_orders reads back."""
    by_name: dict[str, list[str]] = {}
    for frame, (name, times) in sorted(orders.items()):
        by_name.setdefault(name, []).append(str(frame) + ("" if times is None else f"x{times}"))
    return ";".join(f"{name}:{','.join(frames)}" for name, frames in sorted(by_name.items())) or PLAIN


def parse_orders(text: str) -> "dict[int, Order]":
    """Raises ValueError for what is no order."""
    orders: dict[int, Order] = {}
    if text == PLAIN:
        return orders
    for part in text.split(";"):
        match = _LIST.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no order")
        for item in match[2].split(","):
            frame, _, times = item.partition("x")
            orders[int(frame)] = Order(match[1], int(times) if times else None)
    return orders
