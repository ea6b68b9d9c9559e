"""DynamoDB's update expressions, as far as the farm writes them: SET, ADD, REMOVE of top-level attributes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache

from bench.aws_in_memory.expressions import Item, Names, Operand, Reader, Value, Values, plain

Step = Callable[[Item, Item, Names, Values], None]
"""Changes the second item by what the first one, as it was before, says."""
_SECTIONS = ("SET", "ADD", "REMOVE")


@lru_cache(maxsize=512)
def update(text: str) -> tuple[Step, ...]:
    reader, steps = Reader(text), []
    while reader.next:
        section = reader.take().upper()
        if section not in _SECTIONS:
            reader.refuse(f"nothing is known of {section!r}")
        steps.append(_step(reader, section))
        while reader.takes(","):
            steps.append(_step(reader, section))
    return tuple(steps)


def apply(text: str, item: Item, names: Names, values: Values) -> Item:
    """The item as it is afterwards; the one given stays as it is."""
    changed = dict(item)
    for step in update(text):
        step(item, changed, names, values)
    return changed


def _step(reader: Reader, section: str) -> Step:
    path = reader.take()

    def name(names: Names) -> str:
        return names[path] if path.startswith("#") else path

    if section == "REMOVE":

        def remove(before: Item, after: Item, names: Names, values: Values) -> None:
            after.pop(name(names), None)

        return remove
    if section == "ADD":
        step = reader.operand()

        def add(before: Item, after: Item, names: Names, values: Values) -> None:
            more = step(before, names, values)
            known = before.get(name(names), {"N": "0"})
            after[name(names)] = {"N": str(Decimal(known["N"]) + plain(more))}

        return add
    reader.expect("=")
    value = _value(reader)

    def put(before: Item, after: Item, names: Names, values: Values) -> None:
        found = value(before, names, values)
        assert found is not None, f"nothing to set {path} to"
        after[name(names)] = found

    return put


def _value(reader: Reader) -> Operand:
    if reader.takes("IF_NOT_EXISTS"):
        first, second = _pair(reader)
        return lambda *of: second(*of) if (found := first(*of)) is None else found
    if reader.takes("LIST_APPEND"):
        first, second = _pair(reader)
        return lambda *of: {"L": [*_list(first(*of)), *_list(second(*of))]}
    return reader.operand()


def _pair(reader: Reader) -> tuple[Operand, Operand]:
    reader.expect("(")
    first = _value(reader)
    reader.expect(",")
    second = _value(reader)
    reader.expect(")")
    return first, second


def _list(value: Value | None) -> list[Value]:
    assert value is not None, "no list to append to"
    found: list[Value] = value["L"]
    return found
