"""Try a few frames on this computer, and say what all of them will take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from contract.blender_releases import numbers
from contract.options import JobOptions
from contract.runtimes import RuntimeSpec
from farm.estimate.basis import Basis
from farm.estimate.frame_cost import FrameTime, FrameTimer, Setting, Timed, Whole, spread_over
from farm.estimate.sampler import Sampler, SceneFacts, a_sampler
from farm.estimate.span import Span
from farm.plain_errors import PlainError
from farm.wording import duration

Tell = Callable[[str], object]

_AS_IT_IS: Final = (0.85, 1.25)
"""How far the next run of the very same frames may be from the first."""
_SCALED_UP: Final = (0.7, 1.5)
"""The same for frames that were made of small ones."""
_ADAPTIVE: Final = 0.3
"""Of the most samples, so many may do where Cycles stops early: how many, small pictures do not show."""
_DOUBT: Final = 2.0
"""Standard errors of the mean of the frames that were tried."""


def choose_blender(runtimes: Sequence[RuntimeSpec], wanted: str | None) -> RuntimeSpec:
    """The newest of this computer's, of the wanted version or series. Raises PlainError."""
    here = [runtime for runtime in runtimes if runtime.path]
    fit = [r for r in here if not wanted or r.version == wanted or r.version.startswith(wanted + ".")]
    if not fit:
        there = ", ".join(map(str, here)) or "none"
        raise PlainError(
            f"there is no Blender {wanted or ''} on this computer to try frames with; there is: {there}. "
            "FARM_BLENDER names others"
        )
    return max(fit, key=lambda runtime: numbers(runtime.version))


def of_trial(
    file: Path, options: JobOptions, *, blender: RuntimeSpec, count: int, speed: float, tell: Tell
) -> Basis:
    """Render `count` of the job's frames small, and scale up. Raises SampleError, FrameRangeError."""
    readable = readable_of(file)
    with a_sampler(blender, readable) as sampler:
        if readable != file.absolute().parent:
            tell(f"{file.name} lies in your home itself: in the cage it is read without what is beside it")
        tell(f"opening {file.name} in Blender {blender.version}")
        facts = sampler.open(file, options.for_blender())
        frames = options.frames_of(
            scene_start=facts.frame_start, scene_end=facts.frame_end, scene_step=facts.frame_step
        )
        whole = Whole(
            percent=facts.percent,
            pixels=facts.pixels,
            samples=facts.samples,
            time_limit_seconds=facts.time_limit_seconds,
        )
        timer = FrameTimer(whole)
        tried: dict[int, FrameTime] = {}
        for frame in spread_over(frames, count):
            if not tried:
                _warm_up(sampler, frame, whole)
            tried[frame] = timer.time(_teller(sampler, frame, tell))
    return basis_of(facts, len(frames), tried, speed)


def readable_of(file: Path, home: Path | None = None) -> Path:
    """What Blender may read beside its own: the file's folder, unless a person's whole home is in that."""
    folder = file.absolute().parent
    return file.absolute() if (home or Path.home()).resolve().is_relative_to(folder.resolve()) else folder


def _teller(sampler: Sampler, frame: int, tell: Tell) -> Callable[[Setting], Timed]:
    def render(setting: Setting) -> Timed:
        tell(f"trying frame {frame} at {setting.percent} % and {setting.samples} samples")
        return sampler.render(frame, setting)

    return render


def _warm_up(sampler: Sampler, frame: int, whole: Whole) -> None:
    """The first picture of a process loads what the later ones find loaded."""
    sampler.render(frame, Setting(percent=max(1, whole.percent // 8), samples=1))


def basis_of(facts: SceneFacts, frames: int, tried: Mapping[int, FrameTime], speed: float) -> Basis:
    """`speed`: how much faster than this computer a worker is."""
    seconds = span_of([each.seconds for each in tried.values()])
    margins = _AS_IT_IS if all(each.whole for each in tried.values()) else _SCALED_UP
    early = _ADAPTIVE if facts.adaptive and margins is _SCALED_UP else 1.0
    frame = seconds.times(margins[0] * early / speed, 1 / speed, margins[1] / speed)
    if facts.time_limit_seconds > 0:  # that much a frame takes on any machine
        frame = seconds.times(margins[0], 1, margins[1])
    details: dict[str, Any] = {
        "tried": {
            frame: {"seconds": round(time.seconds, 3), "whole": time.whole} for frame, time in tried.items()
        },
        "blender_version": facts.blender_version,
        "engine": facts.engine,
        "pixels": facts.pixels,
        "samples": facts.samples,
        "speed": speed,
    }
    return Basis(
        kind="tried frames",
        words=tuple(_words(facts, tried, speed)),
        frames=frames,
        frame_seconds=frame,
        open_seconds=facts.open_seconds / speed,
        details=details,
    )


def span_of(seconds: Sequence[float]) -> Span:
    """What the mean of all frames may be, by how much those tried differ; one frame says nothing of that."""
    mean = fmean(seconds)
    if len(seconds) < 2:
        return Span.exactly(mean)
    error = _DOUBT * stdev(seconds) / sqrt(len(seconds))
    return Span(low=max(min(seconds) / 2, mean - error), likely=mean, high=mean + error)


def _words(facts: SceneFacts, tried: Mapping[int, FrameTime], speed: float) -> list[str]:
    times = [each.seconds for each in tried.values()]
    named = f"frame{'s' if len(tried) > 1 else ''} {', '.join(map(str, tried))}"
    low, high = duration(min(times)), duration(max(times))
    how = (
        "as they are"
        if all(each.whole for each in tried.values())
        else "small and with few samples, scaled up"
    )
    words = [
        f"{named}, tried on this computer in Blender {facts.blender_version} {how}: "
        + (low if low == high else f"{low} to {high} each"),
        f"a worker is taken to be {'as fast as' if speed == 1 else f'{speed:g} times as fast as'} this "
        f"computer{' (--speed says otherwise)' if speed == 1 else ''}",
    ]
    if len(tried) < 2:
        words.append("a single frame was tried: how much frames differ is not in the range")
    if facts.time_limit_seconds > 0:
        words.append(
            f"Cycles stops sampling a frame after {duration(facts.time_limit_seconds)}: its time limit"
        )
    if facts.adaptive:
        words.append(f"Cycles may stop before its {facts.samples} samples: the low end allows for that")
    if facts.scripts_left_out:
        words.append("the file has Python of its own, which is run on the farm and was not run here")
    if facts.simulations:
        named = ", ".join(facts.simulations[:3]) + (" …" if len(facts.simulations) > 3 else "")
        words.append(f"baking the physics ({named}) is not in it: it is done once, before the frames")
    if "EEVEE" in facts.engine:
        words.append(
            "EEVEE is drawn without a graphics card on the farm's usual machines: this one may have one"
        )
    if numbers(facts.file_version)[:2] > numbers(facts.blender_version)[:2]:
        words.append(f"the file was saved by a newer Blender, {facts.file_version}")
    return words
