"""The `farm` command before it does anything: exit statuses, which farm is meant, completions, imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from farm.jobs import Farm
from farm.local.settings import ROOT
from tests.support.farm_command import call
from tests.support.farm_stacks import Deployed


@pytest.mark.parametrize(
    ("arguments", "exit_status"),
    [
        (("--help",), 0),
        (("jobs", "--help"), 0),
        (("jobs", "--limit", "0"), 2),
        (("jobs", "--nosuch"), 2),
        (("nosuch",), 2),
        (("status",), 2),
        (("logs", "latest", "x"), 2),
        (("--farm", "Nope", "jobs"), 1),
    ],
)
def test_exit_statuses(farm: Farm, arguments: tuple[str, ...], exit_status: int) -> None:
    result = call(*arguments)
    assert result.exit_code == exit_status, result.output
    if exit_status:
        assert result.stdout == ""


def test_the_environment_names_the_farm(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_NAME", "Nope")
    result = call("jobs")
    assert (result.exit_code, "no farm 'Nope'; there is Film" in result.stderr) == (1, True)
    assert call("--farm", "Film", "jobs").exit_code == 0


def run(deployed: Deployed, *arguments: str, **variables: str) -> str:
    command = [sys.executable, "-P", "-m", "farm", *arguments]
    env = {**deployed.env, **variables}
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=60).stdout


def test_completions_are_offered_and_complete(deployed: Deployed) -> None:
    script = run(deployed, "--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "complete -o default -F _farm_completion farm" in script
    asked = {"_FARM_COMPLETE": "complete_bash", "COMP_WORDS": "farm ca", "COMP_CWORD": "1"}
    assert run(deployed, **asked).split() == ["cancel"]


def test_what_is_heavy_is_not_imported_until_it_is_needed(deployed: Deployed) -> None:
    program = "import sys, farm.cli; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = ("boto3", "botocore", "rich", "simpy", "matplotlib", "PIL", "aws_cdk", "pydantic")
    said = subprocess.run(
        [sys.executable, "-c", program, *heavy],
        env=deployed.env,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.strip() == "[]"
