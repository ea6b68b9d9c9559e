"""What a person may ask of a job: the object metadata of an upload, checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, cast
from urllib.parse import unquote

from contract.frames import FIRST_FRAME, LAST_FRAME, FrameRangeError, check_range, parse_frames
from contract.keys import ARCHIVE_SUFFIXES, is_archive

MAX_SAMPLES = 1_048_576
MAX_RESOLUTION_PERCENTAGE = 1_000
MAX_TASK_SECONDS = 11 * 3600
"""One receive of an SQS message cannot be held for longer than 12 hours."""
DEFAULT_MAX_ATTEMPTS = 3
LONGEST_FRAME_SECONDS = 4 * 3600
"""What a frame may take at most, unless the job asks for another limit."""
ENGINES = {"cycles": "CYCLES", "eevee": "EEVEE", "workbench": "WORKBENCH"}
"""What a person writes, and the farm's name for it (Blender's own id of EEVEE depends on its version)."""
HIGH_PRIORITY = "high"
PRIORITIES = ("normal", HIGH_PRIORITY)
DEVICES = ("cpu", "gpu")
_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}

_OTHER_TOOLS = frozenset(
    {"mtime", "ctime", "atime", "mode", "uid", "gid", "md5chksum", "s3cmd-attrs", "sha256"}
)
"""Metadata that rclone, s3cmd, s3fs and the like leave on an object: no concern of a job's."""


class OptionError(ValueError):
    """Metadata that is no job option; the message names the option, its value and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What was asked for; None means: as the scene says."""

    frames: str | None = None
    start_frame: int | None = None
    end_frame: int | None = None
    scene: str | None = None
    camera: str | None = None
    engine: str | None = None
    samples: int | None = None
    resolution_percentage: int | None = None
    blender_version: str | None = None
    """A series, 4.5, or an exact version, 4.5.15; no business of Blender's own."""
    blend: str | None = None
    """The .blend to render, by its path inside an archive that holds several."""
    allow_missing: bool | None = None
    """Render though files that the scene needs are missing."""
    max_attempts: int | None = None
    """Tries at a frame before it is given up."""
    frame_timeout_seconds: int | None = None
    """Longest that a frame may take; None: by what the job's other frames took."""
    bake_timeout_seconds: int | None = None
    stop_after_failed_frames: int | None = None
    """Failed frames, all of one kind, that end the job while nothing else has come of it; 0: never."""
    stop_failed_percentage: int | None = None
    """Share of the ended frames that those must be."""
    device: str | None = None
    """One of DEVICES; a GPU that is asked for and not there fails the job. None: as the fleet allows."""
    allow_scripts: bool | None = None
    """Whether the file's Python runs, inside the cage; None: it does."""
    priority: str | None = None
    """One of PRIORITIES; frames of a high one are taken before those of all others that wait."""

    @property
    def attempts(self) -> int:
        """Tries at a frame or a bake before it is given up."""
        return self.max_attempts or DEFAULT_MAX_ATTEMPTS

    @property
    def urgent(self) -> bool:
        return self.priority == HIGH_PRIORITY

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> JobOptions:
        """Read S3 object metadata (values percent-decoded). Raises OptionError."""
        values: dict[str, Any] = {}
        for raw_name, raw_value in metadata.items():
            name = raw_name.lower().replace("-", "_")
            if raw_name.lower() in _OTHER_TOOLS:
                continue
            if name not in _READERS:
                raise OptionError(
                    f"unknown option {raw_name[:80]!r} (value {raw_value[:80]!r}): "
                    f"the options are {', '.join(sorted(_READERS))}"
                )
            values[name] = _READERS[name](name, unquote(raw_value).strip())
        options = cls(**values)
        options._check()
        return options

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> JobOptions:
        """Read back what to_map wrote; what a newer version added is left out."""
        known = {field.name for field in fields(cls)}
        numbers_plain = {
            n: v if isinstance(v, str | bool) else int(v) for n, v in values.items() if n in known
        }
        return cls(**cast(dict[str, Any], numbers_plain))

    def to_map(self) -> dict[str, str | int | bool]:
        """Only what was asked for, as plain values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}

    def for_blender(self) -> dict[str, str | int | bool]:
        """The part that a Blender session applies to the scene."""
        asked = self.to_map()
        return {
            name: asked[name]
            for name in ("scene", "camera", "engine", "samples", "resolution_percentage", "device")
            if name in asked
        }

    def asked_frames(self) -> dict[str, int | list[int]]:
        """What is known of the frames before the file is opened; the scene's own range is the rest."""
        if self.frames is not None:
            return {"frames": list(parse_frames(self.frames))}
        ends = {"first": self.start_frame, "last": self.end_frame}
        return {name: frame for name, frame in ends.items() if frame is not None}

    def check_upload(self, name: str) -> None:
        """What depends on the file that was uploaded. Raises OptionError."""
        if self.blend is not None and not is_archive(name):
            raise OptionError(
                f"option blend is {self.blend!r}, but {name} is no archive: expected the option only "
                f"with {', '.join(ARCHIVE_SUFFIXES)}"
            )

    def frames_of(self, *, scene_start: int, scene_end: int, scene_step: int) -> tuple[int, ...]:
        """The frames to render, given the scene's own range. Raises FrameRangeError."""
        if self.frames is not None:
            return parse_frames(self.frames)
        given = self.start_frame is not None or self.end_frame is not None
        start = scene_start if self.start_frame is None else self.start_frame
        end = scene_end if self.end_frame is None else self.end_frame
        check_range(start, end)
        return tuple(range(start, end + 1, 1 if given else max(1, scene_step)))

    def _check(self) -> None:
        """What can be known to be wrong without opening the file."""
        if self.frames is not None and (self.start_frame is not None or self.end_frame is not None):
            raise OptionError(
                f"both frames={self.frames!r} and start_frame/end_frame are given: expected one of them"
            )
        try:
            if self.frames is not None:
                parse_frames(self.frames)
            if self.start_frame is not None and self.end_frame is not None:
                check_range(self.start_frame, self.end_frame)
        except FrameRangeError as error:
            raise OptionError(str(error)) from error


def _text(name: str, value: str) -> str:
    if not value or len(value) > 1024 or any(ord(c) < 32 for c in value):
        raise OptionError(f"option {name} is {value[:80]!r}: expected 1 to 1024 printable characters")
    return value


def _integer(low: int, high: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise OptionError(
                f"option {name} is {value[:80]!r}: expected a whole number from {low} to {high}"
            )
        return int(value)

    return read


def _engine(name: str, value: str) -> str:
    engine = ENGINES.get(value.lower().removeprefix("blender_").removesuffix("_next"))
    if engine is None:
        raise OptionError(f"option {name} is {value[:80]!r}: expected one of {', '.join(ENGINES)}")
    return engine


def _one_of(choices: Sequence[str]) -> Callable[[str, str], str]:
    def read(name: str, value: str) -> str:
        if value.lower() not in choices:
            raise OptionError(f"option {name} is {value[:80]!r}: expected one of {', '.join(choices)}")
        return value.lower()

    return read


def _blender_version(name: str, value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}(\.[0-9]{1,3})?", value):
        raise OptionError(f"option {name} is {value[:80]!r}: expected a Blender such as 4.5 or 4.5.15")
    return value


def _blend(name: str, value: str) -> str:
    """A path as the archive has it; slashes either way, since it may have been copied on Windows."""
    path = _text(name, value).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if (
        path.startswith("/")
        or ".." in parts
        or re.match("[A-Za-z]:", path)
        or not path.lower().endswith(".blend")
    ):
        raise OptionError(
            f"option {name} is {value[:80]!r}: expected the path of a .blend inside the archive, "
            "as in film/shot.blend"
        )
    return "/".join(parts)


def _yes_or_no(name: str, value: str) -> bool:
    if value.lower() not in _ANSWERS:
        raise OptionError(f"option {name} is {value[:80]!r}: expected yes or no")
    return _ANSWERS[value.lower()]


_READERS: dict[str, Callable[[str, str], Any]] = {
    "frames": _text,
    "start_frame": _integer(FIRST_FRAME, LAST_FRAME),
    "end_frame": _integer(FIRST_FRAME, LAST_FRAME),
    "scene": _text,
    "camera": _text,
    "engine": _engine,
    "samples": _integer(1, MAX_SAMPLES),
    "resolution_percentage": _integer(1, MAX_RESOLUTION_PERCENTAGE),
    "blender_version": _blender_version,
    "blend": _blend,
    "allow_missing": _yes_or_no,
    "max_attempts": _integer(1, 20),
    "frame_timeout_seconds": _integer(1, MAX_TASK_SECONDS),
    "bake_timeout_seconds": _integer(1, MAX_TASK_SECONDS),
    "stop_after_failed_frames": _integer(0, 100_000),
    "stop_failed_percentage": _integer(1, 100),
    "device": _one_of(DEVICES),
    "allow_scripts": _yes_or_no,
    "priority": _one_of(PRIORITIES),
}
