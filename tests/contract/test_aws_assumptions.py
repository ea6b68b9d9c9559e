"""docs/aws-assumptions.md says how each behavior of AWS is known. Here it is held to its word."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from farm.doctor.live.examination import CHECKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "aws-assumptions.md"
HEADER = ("id", "AWS does this, and the farm relies on it", "status", "checked by")
DOCUMENTATION = re.compile(r"\[[^\]]+\]\(https://docs\.aws\.amazon\.com/[\w./-]+\.html(?:#[\w.-]+)?\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
LIVE = re.compile(r"`farm doctor --live`(?: \(`([\w-]+)`\))?")
"""With the id of another line whose check shows this one as well."""
NOT_IN_TEN_MINUTES = re.compile(r"not in ten minutes[,:] \S+ \S+")


@dataclass(frozen=True)
class Assumption:
    id: str
    says: str
    status: str
    checked_by: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        """Files and the functions in them; a file that is named as a whole has none."""
        return TEST.findall(self.checked_by)

    @property
    def live_checks(self) -> list[str]:
        """That `farm doctor --live` makes for it."""
        return [other or self.id for other in LIVE.findall(self.checked_by)]


PROOFS: dict[str, Callable[[Assumption], bool]] = {
    "documentation": lambda line: bool(DOCUMENTATION.search(line.checked_by)),
    "validator": lambda line: bool(line.tests),
    "emulator": lambda line: bool(line.tests),
    "open": lambda line: (
        len(LIVE.findall(line.checked_by)) + len(NOT_IN_TEN_MINUTES.findall(line.checked_by)) == 1
    ),
}
"""What a line must have, by its status."""


def assumptions() -> list[Assumption]:
    """Every line of every table that has this header."""
    found, inside = [], False
    for line in PAGE.read_text("utf-8").splitlines():
        cells = tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        if cells == HEADER:
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not set("".join(cells)) <= {"-"}:
            found.append(Assumption(*cells))
    return found


def wrong_with(line: Assumption) -> str:
    """What is wrong with a line; empty when nothing is."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", line.id):
        return "its id is none"
    if len(line.says.split()) < 3:
        return "it says nothing"
    if line.status not in PROOFS:
        return f"its status {line.status!r} is none of {', '.join(PROOFS)}"
    if not PROOFS[line.status](line):
        return f"it has no proof that its status {line.status!r} asks for"
    if line.status != "open" and line.live_checks:
        return "it is looked at on an account, and said to be known without"
    for file, function in line.tests:
        if not (ROOT / file).is_file():
            return f"{file} is not there"
        if function and function not in functions(file):
            return f"{file} has no {function}"
    return ""


@cache
def functions(file: str) -> frozenset[str]:
    """Of a test file, those in its classes as well."""
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_line_has_its_proof_and_every_test_is_there() -> None:
    lines = assumptions()
    assert len(lines) > 60
    assert {line.id: said for line in lines if (said := wrong_with(line))} == {}


def test_the_doctor_looks_at_every_line_that_says_so_and_at_no_other() -> None:
    lines = assumptions()
    assert set(CHECKS) == {check for line in lines for check in line.live_checks}
    assert set(CHECKS) <= {line.id for line in lines}


def test_an_id_names_one_line() -> None:
    assert [each for each, times in Counter(line.id for line in assumptions()).items() if times > 1] == []


DOCTOR = "`farm doctor --live`"
A_LINE = Assumption(
    "s3-does-this",
    "S3 does it",
    "documentation",
    "[A page](https://docs.aws.amazon.com/AmazonS3/latest/userguide/page.html);"
    " `tests/contract/test_keys.py::test_a_plain_name_is_kept`",
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"id": "S3"}, "id"),
        ({"says": ""}, "nothing"),
        ({"status": "certain"}, "status"),
        ({"status": "open"}, "proof"),
        ({"status": "open", "checked_by": DOCTOR}, ""),
        ({"status": "open", "checked_by": f"{DOCTOR}; not in ten minutes: it takes a day"}, "proof"),
        ({"status": "open", "checked_by": "not in ten minutes: "}, "proof"),
        ({"checked_by": f"{A_LINE.checked_by}; {DOCTOR}"}, "account"),
        ({"status": "open", "checked_by": "not in ten minutes: it takes a day"}, ""),
        ({"checked_by": "[A page](https://example.com/page.html)"}, "proof"),
        ({"checked_by": "`tests/contract/test_keys.py::test_a_plain_name_is_kept`"}, "proof"),
        ({"status": "emulator"}, ""),
        ({"status": "emulator", "checked_by": "somebody saw it"}, "proof"),
        ({"status": "emulator", "checked_by": "`tests/contract/test_nothing.py::test_it`"}, "not there"),
        ({"status": "emulator", "checked_by": "`tests/contract/test_keys.py::test_it`"}, "has no test_it"),
    ],
)
def test_a_line_that_is_wrong_is_found(change: dict[str, str], said: str) -> None:
    found = wrong_with(replace(A_LINE, **change))
    assert (said in found) if said else found == ""
