"""What `farm --help` waits for: itself, typer and what rich needs for a page of help, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SLOW = {
    "aws_cdk",
    "boto3",
    "botocore",
    "contract.job",
    "contract.record_reader",
    "farm.local.lifecycle",
    "markdown_it",
    "numpy",
    "pygments",
    "rich.progress",
    "simpy",
    "stacks",
}
_IMPORTED = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from farm.cli import main
main()
"""
_LATE = """
import sys
from farm.late_rich import import_rarely_used_late
import_rarely_used_late()
import typer.rich_utils as help
assert "pygments" not in sys.modules
try:
    raise ValueError("it broke")
except ValueError as error:
    trace = help.Traceback.from_exception(type(error), error, error.__traceback__)
text = help.Markdown("**bold**")
from rich.markdown import Markdown
from rich.traceback import Traceback
assert type(text) is Markdown and type(trace) is Traceback
from rich.console import Console
Console(width=80).print(text, trace)
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )


@pytest.mark.parametrize("arguments", [("--help",), ("submit", "--help"), ("local", "--help")])
def test_help_imports_nothing_that_it_does_not_show(arguments: tuple[str, ...]) -> None:
    answer = python(_IMPORTED, *arguments)
    assert "Usage: farm" in answer.stdout
    assert not SLOW & set(answer.stderr.split())


def test_what_is_imported_late_is_what_it_stands_for() -> None:
    shown = python(_LATE).stdout
    assert "bold" in shown and "**" not in shown
    assert "it broke" in shown
