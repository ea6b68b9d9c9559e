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
from pathlib import Path
from typing import Final

from farm.local import processes
from farm.local.state import StateFolder
from tests.e2e.laptop import ROOT

LEASE_SECONDS: Final = 3
POLL_SECONDS: Final = 1
GRACE_SECONDS: Final = 20
"""From SIGTERM until an agent that has not gone is killed: it should not come to that."""


@dataclass(slots=True)
class Agent:
    worker_id: str
    folder: Path
    process: subprocess.Popen[bytes]
    asked_at: float | None = None
    """When it was told to go."""
    killed: bool = False


@dataclass
class Fleet:
    """`environment` is what an agent's machine would tell it, from its worker id and its work folder."""

    state: StateFolder
    environment: Callable[[str, Path], Mapping[str, str]]
    size: int
    agents: list[Agent] = field(default_factory=list)
    started: int = 0
    stubborn: int = 0
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
            agent.killed = True
            os.kill(agent.process.pid, signal.SIGKILL)
        return agent is not None

    def ask_to_go(self, dice: random.Random, ask: Callable[[Agent], None]) -> bool:
        """Tell an agent to go in some way, as `ask` does."""
        agent = self._some(dice)
        if agent:
            agent.asked_at = time.monotonic()
            ask(agent)
        return agent is not None

    def stop(self) -> None:
        """Every agent goes in good order."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        with self._lock:
            for agent in self.agents:
                if agent.asked_at is None:
                    agent.asked_at = time.monotonic()
                    terminate(agent)
            while self.agents:
                self._bury_the_dead()
                time.sleep(0.05)

    def _some(self, dice: random.Random) -> Agent | None:
        with self._lock:
            able = [
                a for a in self.agents if a.asked_at is None and not a.killed and a.process.poll() is None
            ]
        return dice.choice(able) if able else None

    def _keep(self) -> None:
        while not self._stop.wait(0.1):
            with self._lock:
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
            "FARM_LEASE_SECONDS": str(LEASE_SECONDS),
            "FARM_POLL_SECONDS": str(POLL_SECONDS),
        }
        log = self.state.logs / f"agent-{worker_id}.log"
        process = processes.spawn([sys.executable, "-m", "worker_agent"], env=env, log=log, cwd=ROOT)
        self.agents.append(Agent(worker_id, folder, process))

    def _bury_the_dead(self) -> None:
        """What a killed agent leaves goes with its machine; one that was asked to go leaves nothing."""
        for agent in list(self.agents):
            if agent.process.poll() is None:
                if agent.asked_at is not None and time.monotonic() > agent.asked_at + GRACE_SECONDS:
                    self.stubborn += not agent.killed
                    agent.killed = True
                    os.kill(agent.process.pid, signal.SIGKILL)
                continue
            self.agents.remove(agent)
            if not agent.killed and agent.asked_at is None:
                self.died.append(f"{agent.worker_id} (exit {agent.process.returncode})")
            strays = processes.kill_strays(self.state, agent.folder)
            if not agent.killed:
                self.leftovers += len(strays)
            shutil.rmtree(agent.folder, ignore_errors=True)


def terminate(agent: Agent) -> None:
    """What systemd does."""
    agent.process.send_signal(signal.SIGTERM)
