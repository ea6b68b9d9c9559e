"""How large DynamoDB counts an item to be, and how many request units that makes.

As AWS describes it: a name counts its bytes, a text its bytes, a number about a byte for two digits and one
more, a list or a map three bytes and one for each member besides these. Writes are charged by the KB of the
larger of the item before and after, reads by 4 KB.
"""

from __future__ import annotations

from typing import Any

from bench.aws_in_memory.expressions import Item

_KB = 1024


def item_bytes(item: Item) -> int:
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units(*sizes: int) -> int:
    """Of a plain write of an item that was and is so large; a transaction's count twice."""
    return max(1, -(-max(sizes) // _KB))


def read_units(size: int, *, consistent: bool) -> float:
    """Of one read of so many bytes."""
    return max(1, -(-size // (4 * _KB))) * (1.0 if consistent else 0.5)


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return -(-len(content.lstrip("-").replace(".", "")) // 2) + 1
    if kind == "L":
        return 3 + sum(1 + _value_bytes(part) for part in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_bytes(part) for name, part in content.items())
    if kind in ("BOOL", "NULL"):
        return 1
    raise NotImplementedError(f"the size of a value of the kind {kind}")
