"""What can be asked of a job can be said on the command line, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from contract.options import _READERS, JobOptions
from farm.cli import app
from farm.job_flags import HELP, with_job_options

OPTIONS = {field.name for field in fields(JobOptions)}


def test_every_option_has_its_flag_and_its_words() -> None:
    assert set(HELP) == OPTIONS == set(_READERS)


@pytest.mark.parametrize("command", [("submit",), ("local", "render")])
def test_every_flag_is_on_the_commands_that_send_files(command: tuple[str, ...]) -> None:
    found: Any = typer.main.get_command(app)
    for name in command:
        found = found.commands[name]
    flags = {parameter.name: parameter.opts for parameter in found.params}
    assert {name: flags.get(name) for name in OPTIONS} == {
        name: [f"--{name.replace('_', '-')}"] for name in OPTIONS
    }


def test_what_is_said_is_what_the_farm_reads() -> None:
    heard: list[dict[str, Any]] = []

    @with_job_options
    def command(file: str, asked: dict[str, str | int | None]) -> None:
        heard.append(asked)

    one = typer.Typer()
    one.command()(command)
    said = [
        "--frames",
        "1-3",
        "--samples",
        "4",
        "--allow-missing",
        "--no-allow-scripts",
        "--priority",
        "high",
        "--max-attempts",
        "2",
    ]
    result = CliRunner().invoke(one, ["a.blend", *said])
    assert result.exit_code == 0, result.output
    metadata = {name: str(value) for name, value in heard[0].items() if value is not None}
    assert JobOptions.from_metadata(metadata) == JobOptions(
        frames="1-3", samples=4, allow_missing=True, allow_scripts=False, priority="high", max_attempts=2
    )
    assert CliRunner().invoke(one, ["a.blend"]).exit_code == 0
    assert set(heard[1]) == OPTIONS
    assert set(heard[1].values()) == {None}
