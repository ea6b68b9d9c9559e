"""Agents of a laptop farm, started and stopped by hand, with their requests noted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from bench.render import processor_time
from bench.render.blender import BenchError
from bench.render.recording_agent import Note, NotesFile
from contract.settings import AgentSettings
from farm.local import processes
from farm.local.fleet import AgentEnvironment
from farm.local.group import StandingGroup
from farm.local.machines import Machines
from farm.local.metadata import MetadataServer
from farm.local.settings import ROOT
from farm.local.state import StateFolder
from worker_agent.seats import spare_blender, spare_keeper

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.05
_IDLE_SECONDS: Final = 3600
_READY: Final = " is ready\n"


@dataclass(slots=True, kw_only=True)
class BenchAgents:
    """The laptop fleet's place is taken by this: it would start and end agents as it sees fit, and measure.

    Each agent has what the fleet gives it: an environment, a work folder, a metadata service, a cage.
    """

    state: StateFolder
    environment: AgentEnvironment
    emulator: int
    metadata: MetadataServer
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _notes: dict[str, NotesFile] = field(default_factory=dict)

    @classmethod
    def begin(cls, state: StateFolder, environment: AgentEnvironment, emulator: int) -> BenchAgents:
        machines = Machines()
        metadata = MetadataServer(machines, StandingGroup(machines))
        metadata.start()
        return cls(state=state, environment=environment, emulator=emulator, metadata=metadata)

    def end(self) -> None:
        self.resume()
        self.hold(0)
        self.metadata.stop()

    def hold(self, count: int) -> None:
        """Have so many agents, each ready for work. Raises BenchError."""
        for worker_id in list(self.running)[count:]:
            self._stop(worker_id)
        new = [f"bench-{number}" for number in range(1, count + 1) if f"bench-{number}" not in self.running]
        for worker_id in new:
            self._start(worker_id)
        for worker_id in new:
            self._await(worker_id, "get ready", lambda log: _READY in log)

    def rest(self) -> None:
        """Wait until each has idled for so long that its spare Blender is there, or it has said that there is
        none here. Raises BenchError.
        """
        for worker_id in self.running:
            self._await(worker_id, "have a spare Blender", _has_spare_or_none)

    def pause(self) -> None:
        """Stop the farm's processes where they are: whoever renders beside them has the machine alone."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def new_notes(self) -> list[Note]:
        """Of all agents, since the last time, in the order of time."""
        notes = (note for file in self._notes.values() for note in file.new())
        return sorted(notes, key=lambda note: note.at)

    def processor_time(self) -> processor_time.Snapshot:
        return processor_time.snapshot([process.pid for process in self.running.values()], self.emulator)

    def _start(self, worker_id: str) -> None:
        self.metadata.machines.add(worker_id, is_protected=True)
        folder = self.state.work / worker_id
        folder.mkdir(parents=True, exist_ok=True)
        for left in (self._log(worker_id), self._notes_file(worker_id)):
            left.unlink(missing_ok=True)
        self._notes[worker_id] = NotesFile(self._notes_file(worker_id))
        command = [sys.executable, "-m", "bench.render.recording_agent", str(self._notes_file(worker_id))]
        self.running[worker_id] = processes.spawn(
            command, env=self._variables(worker_id, folder), log=self._log(worker_id), cwd=ROOT
        )

    def _variables(self, worker_id: str, folder: Path) -> Mapping[str, str]:
        """It is idle while others render, and is not to end itself because of that."""
        given = {**self.environment(worker_id, folder), **self.metadata.environment_for(worker_id)}
        return {**given, **replace(AgentSettings.from_env(given), idle_seconds=_IDLE_SECONDS).to_env()}

    def _await(self, worker_id: str, what: str, is_ready: Callable[[str], bool]) -> None:
        """Until what it has logged says so."""
        deadline = time.monotonic() + _START_SECONDS
        while not is_ready(self._log(worker_id).read_text()):
            if self.running[worker_id].poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"the agent {worker_id} did not {what}: see {self._log(worker_id)}")
            time.sleep(_LOOK_SECONDS)

    def _stop(self, worker_id: str) -> None:
        process = self.running.pop(worker_id)
        del self._notes[worker_id]
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            processes.kill_group(process.pid)
        processes.kill_strays(self.state, self.state.work / worker_id)
        self.metadata.machines.remove(worker_id)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _pids(self) -> Iterator[int]:
        for pid in (*(process.pid for process in self.running.values()), self.emulator):
            yield from processor_time.family(pid)

    def _log(self, worker_id: str) -> Path:
        return self.state.logs / f"agent-{worker_id}.log"

    def _notes_file(self, worker_id: str) -> Path:
        return self.state.logs / f"requests-{worker_id}.jsonl"


def _has_spare_or_none(log: str) -> bool:
    said = max(log.rfind(words) for words in (spare_blender.READY, spare_keeper.NONE))
    return said > max(log.rfind(words) for words in (spare_blender.TAKEN, spare_blender.USELESS))
