"""How `farm` reads the job table: in few calls, and quickly."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from bench.jobs_listing import put_jobs
from farm.jobs import Farm
from farm.quick_items import read_items_quickly
from tests.support.farm_command import call
from tests.support.farm_stacks import Deployed


def test_a_thousand_jobs_take_few_calls_and_no_scan(
    person: Farm, deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_jobs(person, range(1000))
    calls: Counter[str] = Counter()
    ask = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(self: Any, name: str, parameters: Any) -> Any:
        calls[name] += 1
        return ask(self, name, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counted)
    result = call("jobs", "--all", "--json")
    assert len(json.loads(result.stdout)) == 1000
    asked = dict(calls)
    assert asked.pop("DescribeStacks") == 1
    assert asked.pop("Query") <= 10, "pages of the list, and the workers' four partitions"
    assert asked.pop("BatchGetItem") <= 15, "counters of those that have not come well, a hundred at a time"
    assert asked == {}
    calls.clear()
    assert len(call("jobs").stdout.splitlines()) == 51
    assert calls["Query"] <= 5, "only the newest are read"
    assert calls["BatchGetItem"] <= 1
    piped = ["sh", "-c", f'"{sys.executable}" -P -m farm jobs --all | head -n 1']
    done = subprocess.run(piped, env=deployed.env, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("job ")
    assert "Traceback" not in done.stderr, "a reader that goes away is no trouble"


def test_items_are_read_quickly_and_as_ever(deployed: Deployed) -> None:
    values: dict[str, Any] = {
        "text": "ä\x1b",
        "numbers": [1, Decimal("-2.5"), Decimal("1e-30"), 10**30],
        "map": {"yes": True, "no": False, "nothing": None, "deep": [{"x": [[]]}]},
        "empty": "",
        "set": {"a", "b"},
        "number_set": {Decimal(1), Decimal("2.5")},
    }
    table = deployed.farm.table
    with table.batch_writer() as batch:
        for number in range(3):
            batch.put_item(Item={"pk": "types", "sk": str(number), **values})
    quick = deployed.aws.table_client()
    read_items_quickly(quick)
    query = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": "types"},
    }
    keys = [{"pk": "types", "sk": str(number)} for number in range(3)]
    ordinary: Any = table.meta.client
    for limit in ({}, {"Limit": 2}):
        mine, theirs = quick.query(**query, **limit), ordinary.query(**query, **limit)
        assert mine["Items"] == theirs["Items"]
        assert mine.get("LastEvaluatedKey") == theirs.get("LastEvaluatedKey")
        assert set(mine) == set(theirs)
    asked = {table.name: {"Keys": keys}}
    mine, theirs = quick.batch_get_item(RequestItems=asked), ordinary.batch_get_item(RequestItems=asked)
    by_key = {item["sk"]: item for item in theirs["Responses"][table.name]}
    assert {item["sk"]: item for item in mine["Responses"][table.name]} == by_key
    with pytest.raises(ClientError, match="ResourceNotFound"):
        quick.query(**{**query, "TableName": "nosuch"})
