"""docs/security.md names a test for every line. Here it is held to its word."""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import pairwise

import pytest

from tests.stacks.test_allowed_actions import LIST
from tests.support.synthesized import ROOT, synthesized

PAGE = ROOT / "docs" / "security.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CHECKED_BY = "checked by"


def lines() -> list[tuple[str, list[tuple[str, str]]]]:
    """What each line of a table says, and the tests that it names in its last column."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[-1] != CHECKED_BY and set("".join(cells)) != {"-"}:
            found.append((cells[0], TEST.findall(cells[-1])))
    return found


@cache
def functions(file: str) -> set[str]:
    """Of a file of tests."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("says", "tests"), lines(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_line_is_checked_by_tests_that_there_are(says: str, tests: list[tuple[str, str]]) -> None:
    assert tests, "a line without a test belongs to what is left open"
    for file, function in tests:
        assert (ROOT / file).is_file(), file
        assert function in functions(file), f"{file} has no {function}"


def test_every_table_says_what_its_lines_are_checked_by() -> None:
    page = PAGE.read_text("utf-8").splitlines()
    heads = [line for line, below in pairwise(page) if re.fullmatch(r"\|[-|]+\|", below)]
    assert len(heads) > 5
    assert all(head.endswith(f" {CHECKED_BY} |") for head in heads)


def test_every_function_of_the_farm_is_on_the_page() -> None:
    names = {
        function.properties["Handler"].split(".")[1]
        for function in synthesized().resources("AWS::Lambda::Function")
        if function.properties["Handler"].startswith("functions.")
    }
    page = PAGE.read_text("utf-8")
    assert names and not {name for name in names if f"`{name}`" not in page}
    assert LIST.name in page
