"""Frame ranges in the syntax of the VFX trade: `1-100x2,150`.

The reading of fileseq is the reference (tests compare the two): `x` keeps every n-th frame, `y`
keeps the others, `:` goes over the range in ever finer steps, a frame named twice is rendered once,
and the order written is the order rendered. `;` separates as `,` does, because the short form of
the AWS CLI's `--metadata` splits at commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

FIRST_FRAME, LAST_FRAME = 0, 1_048_574
"""What Blender can render as an animation (its MINFRAME and MAXFRAME)."""

MAX_FRAMES = 100_000
"""Frames one job may have: above it a range is taken for a slip of the finger."""

_PART = re.compile(
    r"(?P<start>-?\d{1,9})(?:-(?P<end>-?\d{1,9})(?:(?P<step_kind>[xy:])(?P<step>\d{1,9}))?)?", re.ASCII
)
_SYNTAX = "expected something like 1-100, 1-100x2 or 1-10,15;20-30"


class FrameRangeError(ValueError):
    """A frame range that cannot be rendered; the message says which part and what was expected."""


def parse_frames(text: str) -> tuple[int, ...]:
    """The frames that `text` names, each once, in its order.

    Raises FrameRangeError for what is no range, names frames that Blender has not, or names more
    than MAX_FRAMES. Never expands a range before its size is known.
    """
    frames: dict[int, None] = {}
    for part in filter(None, map(str.strip, re.split(r"[,;]", text))):
        frames.update(dict.fromkeys(_expand(part)))
        if len(frames) > MAX_FRAMES:
            raise _too_many(text)
    if not frames:
        raise FrameRangeError(f"the frame range {_quote(text)} names no frame: {_SYNTAX}")
    return tuple(frames)


def format_frames(frames: Sequence[int]) -> str:
    """The shortest simple text that parse_frames reads back as just these frames in this order."""
    return ",".join(_format_run(run) for run in _runs(frames))


def check_range(start: int, end: int) -> None:
    """Raise FrameRangeError unless start … end can be rendered as a job."""
    if start > end:
        raise FrameRangeError(
            f"start_frame {start} is after end_frame {end}: expected start_frame ≤ end_frame"
        )
    _check_limits(start, end)
    if end - start >= MAX_FRAMES:
        raise _too_many(f"{start}-{end}")


def _expand(part: str) -> Iterable[int]:
    match = _PART.fullmatch(part)
    if not match:
        raise FrameRangeError(f"{_quote(part)} is no frame range: {_SYNTAX}")
    start = int(match["start"])
    end = int(match["end"]) if match["end"] else start
    step = int(match["step"]) if match["step"] else 1
    _check_limits(start, end)
    if step == 0:
        raise FrameRangeError(f"the step of {_quote(part)} is 0: expected 1 or more")
    direction = 1 if end >= start else -1
    whole = range(start, end + direction, direction)
    kept = whole[::step]
    kind = match["step_kind"]
    if len(kept if kind in (None, "x") else whole) > MAX_FRAMES:
        raise _too_many(part)
    if kind == "y":
        return [frame for frame in whole if frame not in kept]
    if kind == ":":
        return dict.fromkeys(frame for finer in range(step, 0, -1) for frame in whole[::finer])
    return kept


def _check_limits(*frames: int) -> None:
    for frame in frames:
        if not FIRST_FRAME <= frame <= LAST_FRAME:
            raise FrameRangeError(
                f"frame {frame} cannot be rendered: Blender's frames go from {FIRST_FRAME} to {LAST_FRAME}"
            )


def _too_many(text: str) -> FrameRangeError:
    return FrameRangeError(
        f"the frame range {_quote(text)} names more than {MAX_FRAMES} frames: "
        "if that is meant, split it into several jobs"
    )


def _quote(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "…")


def _runs(frames: Sequence[int]) -> Iterator[Sequence[int]]:
    """Split into the longest stretches of one step."""
    begin = 0
    while begin < len(frames):
        end = begin + 1
        if end < len(frames):
            step = frames[end] - frames[begin]
            while end < len(frames) and frames[end] - frames[end - 1] == step:
                end += 1
            if end - begin == 2 and abs(step) != 1:
                end -= 1  # two frames far apart read better as two
        yield frames[begin:end]
        begin = end


def _format_run(run: Sequence[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    step = abs(run[1] - run[0])
    return f"{run[0]}-{run[-1]}" + (f"x{step}" if step > 1 else "")
