"""A run from its first upload to its verdict."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from farm.jobs import read_progress
from farm.local import processes
from farm.local.metadata import MetadataServer
from tests.faults.chaos.adversary import Adversary, Known
from tests.faults.chaos.fleet import Fleet
from tests.faults.chaos.leftovers import age_and_clean, scratch_left, wait_for_quiet
from tests.faults.chaos.log_book import LogBook
from tests.faults.chaos.people import People
from tests.faults.chaos.plan import KINDS, Fate, draw
from tests.faults.chaos.services import Services, behind_a_proxy
from tests.faults.chaos.stage import Stage, a_stage
from tests.faults.chaos.verdict import Judge, Verdict

FATES: Final = (Fate.NO_CAMERA, Fate.STOPS_EARLY, Fate.CANCELED, Fate.RETRIED)
TELL_SECONDS: Final = 15.0
QUIET_SECONDS: Final = 60.0
SWEEP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    frames: int
    jobs: int
    agents: int
    seed: int
    faults: bool = True
    """Whether the adversary is about; the fake Blender misbehaves in any case."""
    limit_seconds: float = 540.0
    """How long the jobs may take to end."""


@dataclass(kw_only=True)
class Outcome:
    settings: Settings
    seconds: Mapping[str, float]
    faults: Counter[str]
    misbehaved: Counter[str]
    verdict: Verdict
    unended: int
    agents_started: int
    agents_died: list[str]
    agents_stubborn: list[str]
    hooks_completed: int
    hooks_refused: int
    """Completions of a lifecycle hook that nobody waited for: a second one, say."""
    messages: Mapping[str, int]
    processes: int
    scratch_kept: int
    """Folders that the janitor found, all past their time."""
    scratch: list[str]
    swept: list[str]
    """Jobs whose tasks the sweep sent again, and the like: a task is lost only when a message is."""
    processor_seconds: Mapping[str, float]
    """Of the harness with its proxy, of the agents with their Blenders, of the emulator with its Lambdas."""
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.problems = list(self.verdict.problems)
        for what, count in {
            "jobs that have not ended": self.unended,
            f"agents that would not go: {', '.join(self.agents_stubborn)}": len(self.agents_stubborn),
            f"times that the sweep had to help: {', '.join(sorted(set(self.swept)))}": len(self.swept),
            "lifecycle hooks completed twice": self.hooks_refused,
            "messages left": sum(self.messages.values()),
            "processes left": self.processes,
            "scratch folders left": len(self.scratch),
            f"agents that died by themselves: {', '.join(self.agents_died)}": len(self.agents_died),
        }.items():
            if count:
                self.problems.append(f"{count} {what}")


def run(folder: Path, settings: Settings, tell: Callable[[str], object]) -> Outcome:
    began = time.monotonic()
    with ExitStack() as opened:
        stage = opened.enter_context(a_stage(folder))
        tell(f"the farm is up after {time.monotonic() - began:.0f} s")
        services = opened.enter_context(
            behind_a_proxy(stage.farm.record.endpoint, settings.seed, faults=settings.faults)
        )
        metadata = opened.enter_context(_metadata())
        return _play(stage, services, metadata, settings, began, tell)


@contextmanager
def _metadata() -> Iterator[MetadataServer]:
    server = MetadataServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _play(
    stage: Stage,
    services: Services,
    metadata: MetadataServer,
    settings: Settings,
    began: float,
    tell: Callable[[str], object],
) -> Outcome:
    planned = draw(settings.seed, jobs=settings.jobs, frames=settings.frames, fates=FATES)
    known = Known()
    people = People(stage, list(planned), known)
    fleet = Fleet(stage.farm.state, stage.agents_behind(services.proxy.endpoint), settings.agents, metadata)
    adversary = Adversary(
        seed=settings.seed,
        fleet=fleet,
        known=known,
        sqs=stage.sqs,
        functions=stage.functions,
        queue_urls=stage.queue_urls,
        listener=stage.listener,
        services=services,
    )
    times = {"up": time.monotonic() - began}
    used_before = _processor_seconds(stage)
    fleet.start()
    try:
        if settings.faults:
            adversary.start()
        rendering = time.monotonic()
        swept = _watch(stage, services, people, settings, tell)
        adversary.stop()
        services.proxy.pause_faults()
        times["rendering"] = time.monotonic() - rendering
        messages = wait_for_quiet(stage, services.receipts, QUIET_SECONDS)
    finally:
        adversary.stop()
        fleet.stop()
    used = {name: value - used_before[name] for name, value in _processor_seconds(stage).items()}
    left_behind = processes.kill_strays(stage.farm.state, stage.farm.state.work)
    tell("the agents have gone; looking at every record and picture")
    judging = time.monotonic()
    verdict = Judge(stage.farm, str(stage.books), people.canceled_at, people.retried_at).judge(known.jobs)
    verdict.problems += people.problems
    times["judging"] = time.monotonic() - judging
    kept = len(scratch_left(stage))
    report = age_and_clean(stage, list(people.ended))
    tell(f"the janitor, past the time to live: {report}")
    times["all"] = time.monotonic() - began
    return Outcome(
        settings=settings,
        seconds=times,
        faults=adversary.counts + services.counts,
        misbehaved=_misbehaved(stage, known),
        verdict=verdict,
        unended=len(known.jobs) + len(people.waiting) - len(people.ended),
        agents_started=fleet.started,
        agents_died=fleet.died,
        agents_stubborn=fleet.stubborn,
        hooks_completed=len(metadata.completed),
        hooks_refused=len(metadata.machines.refused),
        messages=messages,
        processes=len(left_behind) + fleet.leftovers,
        scratch_kept=kept,
        scratch=scratch_left(stage),
        swept=swept,
        processor_seconds=used,
    )


def _processor_seconds(stage: Stage) -> dict[str, float]:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "harness": own.ru_utime + own.ru_stime,
        "agents": children.ru_utime + children.ru_stime,
        "emulator": stage.emulator_processor_seconds(),
    }


def _watch(
    stage: Stage, services: Services, people: People, settings: Settings, tell: Callable[[str], object]
) -> list[str]:
    """Until every job has ended, or the time is out; what the sweep had to do meanwhile."""
    swept_jobs: list[str] = []
    began = time.monotonic()
    told, swept = 0.0, 0.0
    while not people.satisfied and (now := time.monotonic() - began) < settings.limit_seconds:
        people.step(now)
        services.note_receipts()
        if now - swept >= SWEEP_SECONDS:
            swept = now
            swept_jobs += [f"{job}: {what}" for what, jobs in stage.sweep().items() for job in jobs]
        if now - told >= TELL_SECONDS:
            told = now
            tell(f"{now:.0f} s: {_progress(stage, people)}")
        time.sleep(0.5)
    return swept_jobs


def _progress(stage: Stage, people: People) -> str:
    done = failed = 0
    for job_id, _ in people.known.jobs:
        job = people.seen.get(job_id)
        for progress in read_progress(stage.farm.farm, job) if job else []:
            done, failed = done + progress.done, failed + progress.failed
    return f"{len(people.ended)} of {len(people.known.jobs)} jobs ended, {done} frames done, {failed} failed"


def _misbehaved(stage: Stage, known: Known) -> Counter[str]:
    names = {*KINDS, "slow"}
    books = (LogBook(str(stage.books), job_id).read() for job_id, _ in known.jobs)
    return Counter(deed.what for deeds in books for deed in deeds if deed.what in names)
