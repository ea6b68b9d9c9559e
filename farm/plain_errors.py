"""How a command ends: with an exit status, and where something went wrong in words, not in a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

FAILED: Final = 1
"""The job failed, or the farm refused or could not be reached."""
MISUSED: Final = 2
"""The command was called in a way that makes no sense."""
INTERRUPTED: Final = 130
"""By Ctrl-C."""


class PlainError(Exception):
    """Its message is for the person: what is wrong with what, and what to do about it."""

    exit_status = FAILED


class MisusedError(PlainError):
    """What was asked for makes no sense."""

    exit_status = MISUSED


@contextmanager
def plain_errors(*expected: type[Exception]) -> Iterator[None]:
    """End in words and an exit status on PlainErrors, on what AWS and the disk say, and on `expected`."""
    try:
        yield
    except BrokenPipeError:  # `farm jobs | head`: typer ends it in silence
        raise
    except PlainError as error:
        stop(str(error), error.exit_status)
    except expected as error:
        stop(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if not isinstance(error, OSError) and not of_aws(error):
            raise
        stop(str(error))


def stop(text: str, exit_status: int = FAILED) -> NoReturn:
    """Say why on standard error, and end."""
    from farm.screen import say, standard_error

    say(standard_error(), text, "red")
    sys.exit(exit_status)


def of_aws(error: Exception) -> bool:
    """Whether AWS, or the way there, raised it. (botocore is not imported for a command that needs none.)"""
    exceptions = sys.modules.get("botocore.exceptions")
    return exceptions is not None and isinstance(error, (exceptions.BotoCoreError, exceptions.ClientError))
