"""What an inspection means for the job: whether it goes on, and what of it the record keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from contract.options import JobOptions
from worker_agent.blender import MissingFile, SceneReport

MAX_NAMED: Final = 20
"""A record is small: the whole of an inspection lies in the bucket."""
_MAX_LETTERS: Final = 300
_REMEDY: Final = (
    "Pack them into an archive (.zip or .tar.gz) beside the .blend, with relative paths, or upload with "
    "allow_missing=yes to render without them."
)


class MissingFilesError(Exception):
    """The scene needs files that did not come along; the message lists them for their owner."""


def require_files(report: SceneReport, *, allow_missing: bool) -> None:
    """Raises MissingFilesError, unless missing files are allowed."""
    count = report.missing_file_count
    if count and not allow_missing:
        needs = "1 file that the scene needs is" if count == 1 else f"{count} files that the scene needs are"
        raise MissingFilesError(f"{needs} missing: {'; '.join(_listed(report))}. {_REMEDY}")


def wanted_frames(options: JobOptions, report: SceneReport) -> tuple[int, ...]:
    """What is asked for of the scene's frames. Raises FrameRangeError."""
    return options.frames_of(
        scene_start=report.frame_start, scene_end=report.frame_end, scene_step=report.frame_step
    )


def scene_record(report: SceneReport) -> Mapping[str, Any]:
    """What the record keeps of the scene. DynamoDB takes no floats."""
    plain = {
        name: _plain(value) for name, value in asdict(report).items() if isinstance(value, str | int | float)
    }
    return plain | {
        "color_view": {name: _plain(value) for name, value in asdict(report.color_view).items()},
        "notes": [_short(note) for note in report.notes[:MAX_NAMED]],
        "scenes": [asdict(scene) for scene in report.scenes[:MAX_NAMED]],
        "simulations": [asdict(item) for item in report.simulations[:MAX_NAMED]],
        "missing_files": _listed(report),
    }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value


def _listed(report: SceneReport) -> list[str]:
    named = [_in_words(file) for file in report.missing_files[:MAX_NAMED]]
    rest = report.missing_file_count - len(named)
    return named + [f"and {rest} more"] * (rest > 0)


def _in_words(file: MissingFile) -> str:
    where = file.path or "no path at all"
    return _short(f'{file.kind} "{file.name}" ({where}{f"; {file.detail}" if file.detail else ""})')


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LETTERS else f"{text[: _MAX_LETTERS - 40]}…{text[-39:]}"
