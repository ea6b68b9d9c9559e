"""The job options as flags of a command: every one of contract/options.py, and no other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import wraps
from typing import Annotated, Any, Final, get_type_hints

import typer

from contract.options import DEVICES, ENGINES, PRIORITIES, JobOptions

ASKED: Final = "asked"
"""The parameter of a command that takes the job options."""
_PANEL: Final = "Of the job"
HELP: Final[Mapping[str, str]] = {
    "frames": "Such as 1-100x2,150. Without it, the scene's own range.",
    "start_frame": "First frame.",
    "end_frame": "Last frame.",
    "scene": "Name of the scene. Without it, the one that was open when the file was saved.",
    "camera": "Name of the camera.",
    "engine": f"One of {', '.join(ENGINES)}.",
    "samples": "Samples per pixel.",
    "resolution_percentage": "Size of the frames.",
    "blender_version": "4.5 or 4.5.15. Without it, the series that saved the file.",
    "blend": "The .blend to render, in an archive that holds several.",
    "allow_missing": "Render though files that the scene needs are missing.",
    "max_attempts": "Tries at a frame before it is given up.",
    "frame_timeout_seconds": "Longest that a frame may take. Without it, by what others took.",
    "bake_timeout_seconds": "Longest that baking may take.",
    "stop_after_failed_frames": "Failed frames, all alike, that end a job of which nothing came; 0: never.",
    "stop_failed_percentage": "Share of the frames that those must be.",
    "device": f"One of {', '.join(DEVICES)}. A GPU that is asked for and not there fails the job.",
    "allow_scripts": "Whether the file's Python runs, in the cage. Without it, it does.",
    "priority": f"One of {', '.join(PRIORITIES)}. Frames of a high one are taken before others that wait.",
}


def with_job_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for each job option. What was said it gets as a mapping, called `asked`."""

    @wraps(command)
    def told(**said: Any) -> None:
        options = {field.name: said.pop(field.name) for field in fields(JobOptions)}
        command(**said, **{ASKED: _as_metadata(options)})

    hints = get_type_hints(command, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command).parameters.values()
        if parameter.name != ASKED
    ]
    parameters = [*own, *_flags()]
    told.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
    told.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return told


def _as_metadata(options: Mapping[str, Any]) -> dict[str, str | int | None]:
    """As they are written on an upload; what was not said is None."""
    return {
        name: ("yes" if value else "no") if isinstance(value, bool) else value
        for name, value in options.items()
    }


def _flags() -> list[inspect.Parameter]:
    kinds = get_type_hints(JobOptions)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=_annotation(field.name, kinds[field.name]),
        )
        for field in fields(JobOptions)
    ]


def _annotation(name: str, kind: Any) -> Any:
    flag = name.replace("_", "-")
    flag = f"--{flag}/--no-{flag}" if kind == bool | None else f"--{flag}"
    option = typer.Option(flag, help=HELP[name], rich_help_panel=_PANEL, show_default=False)
    return Annotated[kind, option]
