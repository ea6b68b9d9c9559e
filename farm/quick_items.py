"""Read DynamoDB's answers quickly: botocore and boto3 take most of the time of a list of a thousand jobs.

Whatever holds items is taken out of an answer before botocore parses it, and put back as Python values when
boto3 has turned the rest into such.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from boto3.dynamodb.types import DYNAMODB_CONTEXT, TypeDeserializer

_ITEMS: Final = {"Query": "Items", "BatchGetItem": "Responses"}
"""What holds the items, by operation."""
_QUICK: Final = "QuickItems"
"""Where they wait meanwhile: no member of an answer is called so."""


def read_items_quickly(dynamodb: Any) -> None:
    """Have this resource's client read items so. What it gives is what it gave before."""
    events = dynamodb.meta.events
    for operation, member in _ITEMS.items():
        events.register(
            f"before-parse.dynamodb.{operation}", _take_out(member), unique_id=f"quick-{operation}"
        )
    # where boto3 has its own handler too, and after it
    events.register_last("after-call.dynamodb", _put_back, unique_id="quick-items")


def _take_out(member: str) -> Callable[..., None]:
    def before_parse(
        response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
    ) -> None:
        if response_dict["status_code"] != 200:
            return
        answer = json.loads(response_dict["body"])
        if member in answer:
            customized_response_dict[_QUICK] = answer.pop(member)
            response_dict["body"] = json.dumps(answer).encode()

    return before_parse


def _put_back(parsed: dict[str, Any], model: Any, **_: object) -> None:
    if _QUICK in parsed:
        member = _ITEMS[model.name]
        parsed[member] = _READERS[member](parsed.pop(_QUICK))


def _items(items: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: _value(typed) for name, typed in item.items()} for item in items]


def _responses(tables: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {table: _items(items) for table, items in tables.items()}


def _value(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    if kind in ("S", "BOOL"):
        return value
    if kind == "N":
        return DYNAMODB_CONTEXT.create_decimal(value)
    if kind == "M":
        return {name: _value(inner) for name, inner in value.items()}
    if kind == "L":
        return [_value(inner) for inner in value]
    return TypeDeserializer().deserialize(dict(typed))  # type: ignore[arg-type]  # of no known kind


_READERS: Final[Mapping[str, Callable[[Any], object]]] = {"Items": _items, "Responses": _responses}
