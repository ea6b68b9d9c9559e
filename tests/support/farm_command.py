"""The `farm` command within the process of a test."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from farm.cli import app


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)
