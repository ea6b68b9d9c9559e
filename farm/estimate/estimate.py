"""Put an estimate together: the basis, the fleet and its price."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.keys import Upload, is_archive, read_upload_key
from contract.options import JobOptions
from farm.chosen_farm import ChosenFarm
from farm.estimate import history, trial
from farm.estimate.basis import Basis
from farm.estimate.fleet import plan_of, price_of, variables
from farm.estimate.forecast import forecast
from farm.estimate.report import Estimate
from farm.jobs import upload_key
from farm.local.blenders import runtimes
from farm.local.settings import LocalSettings
from farm.plain_errors import MisusedError

Tell = Callable[[str], object]
DEFAULT_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person asks."""

    file: Path
    project: str | None
    options: JobOptions
    tries: int = DEFAULT_TRIES
    """Frames to try, where the history says nothing."""
    speed: float = 1.0
    """How many times as fast as this computer a worker is."""
    workers: int = 0
    """0: as many as the farm would start."""
    hour_dollars: float | None = None
    anew: bool = False
    """Leave the history alone."""


def estimate(question: Question, farm: ChosenFarm | None, no_farm: str, tell: Tell) -> Estimate:
    """`no_farm`: why there is none. Raises PlainErrors, FrameRangeError, ConfigError, and what AWS raises."""
    config = variables()
    facts = farm.fleet if farm else None
    basis, notes = _basis(question, farm, no_farm, tell)
    price, hour_words = price_of(config, facts, asked=question.hour_dollars, paid=basis.hour_dollars)
    plan = plan_of(config, facts, workers=question.workers, price=price)
    return Estimate(
        file=question.file.name,
        basis=basis,
        forecast=forecast(basis.frames, basis.frame_seconds, open_seconds=basis.open_seconds, plan=plan),
        hour_words=hour_words,
        notes=notes,
    )


def _basis(
    question: Question, farm: ChosenFarm | None, no_farm: str, tell: Tell
) -> tuple[Basis, tuple[str, ...]]:
    """The history where it says something, else frames that are tried here."""
    why = f"no history was asked: {no_farm}" if no_farm else ""
    if farm and not question.anew:
        tell("looking for earlier jobs of this file")
        upload = read_upload_key(upload_key(question.file, question.project))
        assert isinstance(upload, Upload)  # upload_key() refuses every other
        found, why = history.of_history(farm.records, upload, question.options)
        if found:
            return found, ()
    if is_archive(question.file.name):
        raise MisusedError(
            f"{question.file.name} is an archive: frames of it are not tried here. Estimate the .blend "
            f"before it is packed{f' ({why})' if why else ''}"
        )
    settings = LocalSettings.from_env(os.environ)
    tell("looking for a Blender")
    blender = trial.choose_blender(runtimes(settings.blenders, os.environ), question.options.blender_version)
    tried = trial.of_trial(
        question.file,
        question.options,
        blender=blender,
        count=question.tries,
        speed=question.speed,
        tell=tell,
    )
    return tried, (why,) if why else ()
