"""Gives the deployed janitor the laptop farm's scratch folder: on AWS it is mounted, here it is a setting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from contract.settings import JanitorSettings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


def mount_scratch(functions: LambdaClient, janitor: str, scratch: Path) -> None:
    """After every deploy, which sets the function's variables anew."""
    deployed = functions.get_function_configuration(FunctionName=janitor)
    variables = deployed["Environment"]["Variables"]
    settings = replace(JanitorSettings.from_env(variables), scratch_directory=str(scratch))
    functions.update_function_configuration(
        FunctionName=janitor, Environment={"Variables": {**variables, **settings.to_env()}}
    )
