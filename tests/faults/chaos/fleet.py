"""The agents of a run: real processes, held at a number; the dead are buried and replaced at once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from farm.local import processes
from farm.local.metadata import MetadataServer
from farm.local.state import StateFolder
from tests.e2e.laptop import ROOT

LEASE_SECONDS: Final = 3
POLL_SECONDS: Final = 1
GRACE_SECONDS: Final = 30
"""From the word to go until an agent that has not gone is killed: it should not come to that."""
READY: Final = b" is ready"
"""What an agent's log says, within so many bytes, once it takes tasks."""
MAX_START_BYTES: Final = 10_000
REPLACED_SECONDS: Final = 4.0
"""From a rebalance recommendation until the group, which has another machine by then, ends this one."""


class Leave(StrEnum):
    """How an agent comes to go, in words of the report."""

    SIGTERM = "agents terminated"
    SPOT = "Spot notices"
    REBALANCE = "rebalance recommendations"
    SCALE_IN = "scale-ins"


@dataclass(slots=True)
class Agent:
    worker_id: str
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path
    ready: bool = False
    asked_at: float | None = None
    """When it was told to go."""
    leaves_by: Leave | None = None
    told_to_end: bool = False
    """By SIGTERM."""
    killed: bool = False


@dataclass
class Fleet:
    """`environment` is what an agent's machine would tell it, from its worker id and its work folder."""

    state: StateFolder
    environment: Callable[[str, Path], Mapping[str, str]]
    size: int
    metadata: MetadataServer
    """What each agent's machine is told."""
    agents: list[Agent] = field(default_factory=list)
    started: int = 0
    stubborn: list[str] = field(default_factory=list)
    """Agents that had to be killed after they were asked to go."""
    died: list[str] = field(default_factory=list)
    """Agents that ended though nobody asked or killed them."""
    leftovers: int = 0
    """Processes that an agent which ended in good order left behind."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._keep, name="fleet", daemon=True)
        self._thread.start()

    def kill(self, dice: random.Random) -> bool:
        """kill -9, as if the machine were gone. False when there is none at work."""
        agent = self._some(dice)
        if agent:
            self._kill(agent)
        return agent is not None

    def send_away(self, dice: random.Random, way: Leave) -> bool:
        """Have an agent go in that way. False when there is none at work."""
        with self._lock:
            agent = self._some(dice)
            if agent is None:
                return False
            agent.asked_at, agent.leaves_by = time.monotonic(), way
            match way:
                case Leave.SIGTERM:
                    self._terminate(agent)
                case Leave.SPOT:
                    self.metadata.notice_spot(agent.worker_id, dice.uniform(3, 15))
                case Leave.REBALANCE:
                    self.metadata.recommend_rebalance(agent.worker_id)
                case Leave.SCALE_IN:
                    self.metadata.terminate(agent.worker_id)
            return True

    def stop(self) -> None:
        """Every agent goes in good order."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        with self._lock:
            for agent in self.agents:
                agent.asked_at = agent.asked_at or time.monotonic()
                if not agent.told_to_end:
                    self._terminate(agent)
            while self.agents:
                self._look_after_the_leaving()
                self._bury_the_dead()
                time.sleep(0.05)

    def _some(self, dice: random.Random) -> Agent | None:
        """One that is at work: if those were killed that still start, a slow computer would get nowhere."""
        with self._lock:
            able = [agent for agent in self.agents if agent.asked_at is None and not agent.killed]
            for agent in able:
                agent.ready = agent.ready or READY in agent.log.read_bytes()[:MAX_START_BYTES]
            able = [agent for agent in able if agent.ready and agent.process.poll() is None]
        return dice.choice(able) if able else None

    def _keep(self) -> None:
        while not self._stop.wait(0.1):
            with self._lock:
                self._look_after_the_leaving()
                self._bury_the_dead()
                while sum(agent.asked_at is None for agent in self.agents) < self.size:
                    self._start_one()

    def _start_one(self) -> None:
        self.started += 1
        worker_id = f"chaos-{self.started:04d}"
        folder = self.state.work / worker_id
        folder.mkdir(parents=True)
        env = {
            **self.environment(worker_id, folder),
            **self.metadata.environment_for(worker_id),
            "FARM_LEASE_SECONDS": str(LEASE_SECONDS),
            "FARM_POLL_SECONDS": str(POLL_SECONDS),
        }
        log = self.state.logs / f"agent-{worker_id}.log"
        process = processes.spawn([sys.executable, "-m", "worker_agent"], env=env, log=log, cwd=ROOT)
        self.agents.append(Agent(worker_id, folder, process, log))

    def _look_after_the_leaving(self) -> None:
        """What Spot and the group do to machines that are to go."""
        machines, now = self.metadata.machines, time.monotonic()
        for agent in self.agents:
            if agent.asked_at is None or agent.killed or agent.process.poll() is not None:
                continue
            waited = now - agent.asked_at
            if machines.is_taken(agent.worker_id):
                self._kill(agent)  # the machine is switched off, whatever it is doing
            elif waited > GRACE_SECONDS:
                self.stubborn.append(f"{agent.worker_id} ({agent.leaves_by})")
                self._kill(agent)
            elif agent.leaves_by is Leave.REBALANCE and waited > REPLACED_SECONDS:
                agent.leaves_by = Leave.SCALE_IN
                self.metadata.terminate(agent.worker_id)
            elif self._may_end(agent):
                self._terminate(agent)

    def _may_end(self, agent: Agent) -> bool:
        """Whether the group has got the word of an agent that it has chosen to go."""
        chosen = agent.leaves_by is Leave.SCALE_IN and not agent.told_to_end
        return chosen and self.metadata.machines.may_end(agent.worker_id)

    def _terminate(self, agent: Agent) -> None:
        """What systemd does."""
        agent.told_to_end = True
        agent.process.send_signal(signal.SIGTERM)

    def _kill(self, agent: Agent) -> None:
        agent.killed = True
        os.kill(agent.process.pid, signal.SIGKILL)

    def _bury_the_dead(self) -> None:
        """What a killed agent leaves goes with its machine; one that was asked to go leaves nothing."""
        for agent in [agent for agent in self.agents if agent.process.poll() is not None]:
            self.agents.remove(agent)
            self.metadata.machines.remove(agent.worker_id)
            if not agent.killed and agent.asked_at is None:
                self.died.append(f"{agent.worker_id} (exit {agent.process.returncode})")
            strays = processes.kill_strays(self.state, agent.folder)
            if not agent.killed:
                self.leftovers += len(strays)
            shutil.rmtree(agent.folder, ignore_errors=True)
