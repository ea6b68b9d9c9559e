"""A worker's Blenders without its queue, table and bucket: hands that take turns as the agent's do."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Final, cast

from contract.cage.probe import offered_options
from contract.job import Job, JobState
from contract.runtimes import RuntimeSpec
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.blender_turns import BlenderTurns
from worker_agent.seats.seat import close_all, make_seats, make_sessions
from worker_agent.seats.session_count import SessionCounts
from worker_agent.seats.spare_keeper import SpareKeeper
from worker_agent.seats.turn_meter import TurnMeter
from worker_agent.tasks.hands import BESIDE_BLENDERS
from worker_agent.tasks.lease import Lease
from worker_agent.tasks.outcome import InterruptedTaskError
from worker_agent.tasks.task_queue import Message, TaskQueue

_SECONDS: Final = 300.0


class SessionWorker:
    """`sessions` pins the number of its Blenders; None: it chooses, from 1 to the number of processors.

    With the folder of all `projects`, away from its own, the next Blender is started before one is ended.
    """

    def __init__(
        self,
        blend: Path,
        folder: Path,
        *,
        sessions: int | None,
        processors: int,
        projects: Path | None = None,
    ) -> None:
        spec = RuntimeSpec(version=version("bpy"), path=sys.executable)
        self.counts = SessionCounts(sessions, processors=processors)
        self._sessions = make_sessions(
            self.counts.most,
            BlenderShelf([spec], folder / "shelf"),
            folder / "work",
            cage=offered_options(),
            projects=projects,
        )
        self._turns = BlenderTurns(make_seats(self._sessions), self.counts)
        # kept, as the agent keeps its own: a caged Blender dies with the thread that started it
        self._hands = ThreadPoolExecutor(self.counts.most + BESIDE_BLENDERS)
        self._project = blend.parent
        if spare := self._sessions[0].spare:
            SpareKeeper(
                spare,
                rests=lambda: False,
                needs_soon=lambda: self._sessions[0].will_be_worn(self._turns.sessions),
            ).start()
        with self._sessions[0].fresh(spec, project=blend.parent, changes_it=True) as session:
            build = session.runtime_build
        self.pictures = folder / "pictures"
        self.pictures.mkdir(parents=True)
        self.job = _job(blend, spec, build)
        self.blenders: set[int] = set()
        """The process ids of all that rendered."""
        self.most_memory_bytes = 0
        """Of one of them."""

    def render(self, frames: Iterable[int]) -> float:
        """The seconds until the last of these frames is a picture in `pictures`."""
        began = perf_counter()
        for _ in self._hands.map(self._render, frames):
            pass
        return perf_counter() - began

    def close(self) -> None:
        self._hands.shutdown()
        close_all(self._sessions)

    def _render(self, frame: int) -> None:
        done = False
        while not done:
            with suppress(InterruptedTaskError):  # it has waited too long for its turn: claimed again
                self._render_in_turn(frame)
                done = True

    def _render_in_turn(self, frame: int) -> None:
        lease = Lease(cast(TaskQueue, None), Message(str(frame), "", ""), 86_400, lambda: None)
        with self._turns.turn(lease, self.job) as seat:
            session = seat.sessions.open_for(self.job, self._project, sessions=self._turns.sessions)
            self.blenders.add(session.pid)
            written, meter = seat.sessions.frames_folder(), TurnMeter(session)
            for rendered in session.render([frame], written, _SECONDS):
                meter.add(rendered.seconds)
                for name in rendered.files:
                    shutil.move(written / name, self.pictures / name)
            self.most_memory_bytes = max(self.most_memory_bytes, session.memory_bytes)
            self._turns.measured(lease, self.job, meter)


def _job(blend: Path, spec: RuntimeSpec, build: str) -> Job:
    """As a bake leaves it."""
    return Job(
        job_id=blend.stem,
        project="bench",
        name=blend.name,
        bucket="",
        source_key="",
        source_version="",
        source_bytes=0,
        state=JobState.RENDERING,
        created_at="",
        baked_blend=blend.name,
        blender_version=spec.version,
        blender_build=build,
        blender_form=str(spec.form),
    )
