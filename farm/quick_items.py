"""Read DynamoDB's answers quickly: botocore's parser takes most of the time of a list of a thousand jobs.

The items in an answer's JSON are just what the parser makes of them, but for binary values: there are none in
the job table.
"""

from __future__ import annotations

import json
from typing import Any, Final

_ITEMS: Final = {"Query": "Items", "BatchGetItem": "Responses"}
"""Where the items are, by operation."""


def read_items_quickly(dynamodb: Any) -> None:
    """Have this client parse no items; whatever else is in its answers it parses as ever."""
    for operation, member in _ITEMS.items():
        dynamodb.meta.events.register(
            f"before-parse.dynamodb.{operation}", _take_out(member), unique_id=f"quick-{operation}"
        )


def _take_out(member: str) -> Any:
    def before_parse(
        response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
    ) -> None:
        if response_dict["status_code"] != 200:
            return
        answer = json.loads(response_dict["body"])
        if member in answer:
            customized_response_dict[member] = answer.pop(member)
            response_dict["body"] = json.dumps(answer).encode()

    return before_parse
