"""The doctor's checks of the farm's stacks, well and not: whether all are there, and of which version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.doctor import stacks
from farm.doctor.finding import Level
from stacks.farm_version import OUTPUT, farm_version

NAMES = ("F-Storage", "F-Queues")


def stack(status: str, version: str | None = "v1") -> dict[str, Any]:
    outputs = [{"OutputKey": OUTPUT, "OutputValue": version}] if version else []
    return {"StackStatus": status, "Outputs": outputs}


@pytest.mark.parametrize(
    ("queues", "level", "words"),
    [
        (stack("UPDATE_COMPLETE"), Level.WELL, "all 2"),
        (None, Level.BROKEN, "missing: F-Queues"),
        (stack("UPDATE_IN_PROGRESS"), Level.WARNING, "goes on"),
        (stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), Level.WARNING, "goes on"),
        (stack("ROLLBACK_COMPLETE"), Level.BROKEN, "F-Queues (ROLLBACK_COMPLETE)"),
        (stack("UPDATE_ROLLBACK_FAILED"), Level.BROKEN, "failed"),
        (stack("UPDATE_ROLLBACK_COMPLETE"), Level.WARNING, "taken back"),
    ],
)
def test_stacks(queues: dict[str, Any] | None, level: Level, words: str) -> None:
    found = {"F-Storage": stack("CREATE_COMPLETE"), **({"F-Queues": queues} if queues else {})}
    said = stacks.complete(found, NAMES)
    assert said.level is level
    assert words in said.words


@pytest.mark.parametrize(
    ("versions", "level", "words"),
    [
        (("v1", "v1"), Level.WELL, "the code of this checkout (v1)"),
        (("v0", "v0"), Level.WARNING, "the farm runs other code"),
        (("v1", "v0"), Level.WARNING, "F-Queues runs other code"),
        ((None, None), Level.WARNING, "of no known version"),
    ],
)
def test_versions(versions: tuple[str | None, ...], level: Level, words: str) -> None:
    pairs = zip(NAMES, versions, strict=True)
    said = stacks.version({name: stack("CREATE_COMPLETE", version) for name, version in pairs}, "v1")
    assert said.level is level
    assert words in said.words


def test_only_this_farms_stacks_are_looked_at() -> None:
    class CloudFormation:
        """As CloudFormation answers; moto wants another library for it."""

        def get_paginator(self, name: str) -> Any:
            assert name == "describe_stacks"
            return self

        def paginate(self) -> Any:
            yield {"Stacks": [{"StackName": "F-Storage", **stack("DELETE_COMPLETE")}]}
            for name in ("F-Storage", "Other-Storage"):
                yield {"Stacks": [{"StackName": name, **stack("CREATE_COMPLETE", farm_version())}]}

    found = stacks.described(CloudFormation(), NAMES)
    assert list(found) == ["F-Storage"]
    assert stacks.version(found, farm_version()).level is Level.WELL
    assert stacks.complete(found, NAMES).level is Level.BROKEN


def test_the_version_changes_with_what_is_deployed_alone(tmp_path: Path) -> None:
    for name in ("app.py", "requirements.txt", "stacks/a.py", "contract/a.py", "farm/a.py", "tests/a.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = farm_version(tmp_path)
    for name in ("farm/a.py", "tests/a.py", "stacks/.a.py.swp", "stacks/a.pyc"):
        (tmp_path / name).write_text("2")
    assert farm_version(tmp_path) == before
    (tmp_path / "contract/a.py").write_text("2")
    assert farm_version(tmp_path) != before
