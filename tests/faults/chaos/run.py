"""A run from its first upload to its verdict."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from farm.local import processes
from farm.local.metadata import MetadataServer
from tests.faults.chaos.adversary import Adversary, Known
from tests.faults.chaos.fleet import Fleet
from tests.faults.chaos.leftovers import age_and_clean, scratch_left, wait_for_quiet
from tests.faults.chaos.log_book import LogBook
from tests.faults.chaos.outcome import Outcome, Settings
from tests.faults.chaos.people import People
from tests.faults.chaos.plan import KINDS, Fate, draw
from tests.faults.chaos.services import Services, behind_a_proxy
from tests.faults.chaos.stage import Stage, a_stage
from tests.faults.chaos.verdict import Judge, Verdict

FATES: Final = (Fate.NO_CAMERA, Fate.STOPS_EARLY, Fate.CANCELED, Fate.RETRIED)
TELL_SECONDS: Final = 15.0
QUIET_SECONDS: Final = 60.0
SWEEP_SECONDS: Final = 5.0

Tell = Callable[[str], object]


def run(folder: Path, settings: Settings, tell: Tell) -> Outcome:
    began = time.monotonic()
    with ExitStack() as opened:
        stage = opened.enter_context(a_stage(folder))
        up_seconds = time.monotonic() - began
        tell(f"the farm is up after {up_seconds:.0f} s")
        services = opened.enter_context(
            behind_a_proxy(stage.farm.record.endpoint, settings.seed, faults=settings.faults)
        )
        metadata = opened.enter_context(_metadata())
        outcome = _Run(stage, services, metadata, settings, tell).play()
    outcome.seconds |= {"up": up_seconds, "all": time.monotonic() - began}
    return outcome


@contextmanager
def _metadata() -> Iterator[MetadataServer]:
    server = MetadataServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Run:
    """On a stage that is up."""

    def __init__(
        self, stage: Stage, services: Services, metadata: MetadataServer, settings: Settings, tell: Tell
    ) -> None:
        self._stage, self._services, self._metadata = stage, services, metadata
        self._settings, self._tell = settings, tell
        self._known = Known()
        planned = draw(settings.seed, jobs=settings.jobs, frames=settings.frames, fates=FATES)
        self._people = People(stage, planned, self._known)
        environment = stage.agents_behind(services.proxy.endpoint)
        self._fleet = Fleet(stage.farm.state, environment, settings.agents, metadata)
        self._adversary = Adversary(
            seed=settings.seed,
            fleet=self._fleet,
            known=self._known,
            sqs=stage.sqs,
            functions=stage.functions,
            queue_urls=stage.queue_urls,
            listener=stage.listener,
            services=services,
        )
        self._swept: list[str] = []

    def play(self) -> Outcome:
        """With faults until every job has ended, then without; then the agents go, and all is looked at."""
        before, began = _processor_seconds(self._stage), time.monotonic()
        self._fleet.start()
        try:
            if self._settings.faults:
                self._adversary.start()
            self._watch()
            self._adversary.stop()
            self._services.proxy.pause_faults()
            rendering_seconds = time.monotonic() - began
            messages = wait_for_quiet(self._stage, self._services.receipts, QUIET_SECONDS)
        finally:
            self._adversary.stop()
            self._fleet.stop()
        used = {name: value - before[name] for name, value in _processor_seconds(self._stage).items()}
        state = self._stage.farm.state
        strays = processes.kill_strays(state, state.work)
        began = time.monotonic()
        verdict = self._judge()
        kept = len(scratch_left(self._stage))
        report = age_and_clean(self._stage, list(self._people.ended))
        self._tell(f"the janitor, past the time to live: {report}")
        return Outcome(
            settings=self._settings,
            seconds={"rendering": rendering_seconds, "judging": time.monotonic() - began},
            faults=self._adversary.counts + self._services.counts,
            misbehaved=self._misbehaved(),
            verdict=verdict,
            unended=self._settings.jobs - len(self._people.ended),
            agents_started=self._fleet.started,
            agents_died=self._fleet.died,
            agents_stubborn=self._fleet.stubborn,
            hooks_completed=len(self._metadata.completed),
            hooks_refused=len(self._metadata.machines.refused),
            messages=messages,
            processes=len(strays) + self._fleet.leftovers,
            scratch_kept=kept,
            scratch=scratch_left(self._stage),
            swept=self._swept,
            processor_seconds=used,
        )

    def _watch(self) -> None:
        """Until every job has ended, or the time is out."""
        began = time.monotonic()
        told, swept = 0.0, 0.0
        while not self._people.satisfied and (now := time.monotonic() - began) < self._settings.limit_seconds:
            self._people.step(now)
            self._services.note_receipts()
            if now - swept >= SWEEP_SECONDS:
                swept = now
                helped = self._stage.sweep().items()
                self._swept += [f"{job}: {what}" for what, jobs in helped for job in jobs]
            if now - told >= TELL_SECONDS:
                told = now
                self._tell(f"{now:.0f} s: {self._progress()}")
            time.sleep(0.5)

    def _progress(self) -> str:
        done = failed = 0
        for job in list(self._people.seen.values()):
            for progress in self._stage.farm.farm.records.shards([job])[job.job_id]:
                done, failed = done + progress.done, failed + progress.failed
        jobs = f"{len(self._people.ended)} of {self._settings.jobs} jobs ended"
        return f"{jobs}, {done} frames done, {failed} failed"

    def _judge(self) -> Verdict:
        self._tell("the agents have gone; looking at every record and picture")
        people = self._people
        judge = Judge(self._stage.farm, str(self._stage.books), people.canceled_at, people.retried_at)
        verdict = judge.judge(self._known.jobs)
        verdict.problems += people.problems
        return verdict

    def _misbehaved(self) -> Counter[str]:
        names = {*KINDS, "slow"}
        books = (LogBook(str(self._stage.books), job_id).read() for job_id, _ in self._known.jobs)
        return Counter(deed.what for deeds in books for deed in deeds if deed.what in names)


def _processor_seconds(stage: Stage) -> dict[str, float]:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "harness": own.ru_utime + own.ru_stime,
        "agents": children.ru_utime + children.ru_stime,
        "emulator": stage.emulator_processor_seconds(),
    }
