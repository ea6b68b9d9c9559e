"""The fleet's agents: as many processes as desired, the dead replaced, the idle of a surplus asked to go."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from contract.lifecycle import TERMINATION_HEARTBEAT_SECONDS
from farm.local import processes
from farm.local.metadata import MetadataServer
from farm.local.settings import ROOT
from farm.local.state import StateFolder

GRACE_SECONDS = 20
"""From SIGTERM until an agent that has not given its work back is killed."""
STOP_SECONDS = 12
"""What an agent is told that it has after SIGTERM: less than the grace."""
SHORT_LIFE_SECONDS = 30
"""An agent that lives shorter than this counts as broken."""
MAX_BACKOFF_SECONDS = 60
_NAME = "agent-"


@dataclass(slots=True)
class Agent:
    worker_id: str
    process: subprocess.Popen[bytes]
    started_at: float
    wait_until: float | None = None
    """Set when its machine is to go: until then it may give its work back undisturbed."""
    kill_at: float | None = None
    """Set when it was sent SIGTERM."""

    @property
    def going(self) -> bool:
        return self.wait_until is not None


@dataclass(slots=True, kw_only=True)
class AgentPool:
    """Holds agents at a number. Time is passed in, in seconds that only go forward."""

    state: StateFolder
    command: Sequence[str]
    environment: Callable[[str, Path], Mapping[str, str]]
    """The environment of an agent, from its worker id and its work folder."""
    metadata: MetadataServer
    """What each agent's machine is told."""
    tell: Callable[[str], object]
    max_agents: int
    """So many run at once, however many are desired: the others wait."""
    new_are_protected: bool = True
    """Whether a machine is protected from scale-in until its agent says that it is idle."""
    heartbeat_seconds: float = TERMINATION_HEARTBEAT_SECONDS
    """How long an agent has before SIGTERM to give its work back and say so."""
    grace_seconds: float = GRACE_SECONDS
    agents: list[Agent] = field(default_factory=list)
    short_lives: int = 0
    """Agents in a row that ended right after they started."""
    start_after: float = 0.0

    @property
    def at_work(self) -> list[Agent]:
        return [agent for agent in self.agents if not agent.going]

    def step(self, desired: int, now: float) -> None:
        """One look: bury the dead, end what is idle of a surplus, see off who goes, start what is missing.

        Protected machines of a surplus stay until they are protected no more, as on AWS.
        """
        self._bury_and_kill(now)
        for worker_id in self.metadata.machines.take_idle(self._in_service - desired):
            self.tell(f"{worker_id} is idle and one too many")
        for agent in self.agents:
            if not agent.going and self.metadata.machines.is_going(agent.worker_id):
                self.tell(f"{agent.worker_id} is to go, once it has given its work back")
                agent.wait_until = now + self.heartbeat_seconds
            waiting = agent.wait_until is not None and agent.kill_at is None
            if waiting and self._is_let_go(agent, now):
                self._end(agent, now)
        if now >= self.start_after:
            for _ in range(min(desired, self.max_agents) - len(self.at_work)):
                self._start(now)

    def stop_all(self, clock: Callable[[], float], pause: Callable[[float], object]) -> None:
        """Every agent gives its work back and ends at once, or is killed after the grace."""
        for agent in self.agents:
            if agent.kill_at is None:
                self._end(agent, clock())
        while self.agents:
            self.step(0, clock())
            if self.agents:
                pause(0.1)

    @property
    def _in_service(self) -> int:
        """Machines that were not told to go; each of them has an agent."""
        machines = self.metadata.machines
        return sum(not machines.is_going(agent.worker_id) for agent in self.at_work)

    def _bury_and_kill(self, now: float) -> None:
        for agent in list(self.agents):
            if agent.process.poll() is not None:
                self._bury(agent, now)
            elif self.metadata.machines.is_taken(agent.worker_id):
                self.tell(f"Spot takes {agent.worker_id} back: killing it")
                self._kill(agent, now)
            elif agent.kill_at is not None and now >= agent.kill_at:
                self.tell(f"{agent.worker_id} did not go within {self.grace_seconds:.0f} s: killing it")
                self._kill(agent, now)

    def _start(self, now: float) -> None:
        worker_id = f"local-{token_hex(2)}"
        self.metadata.machines.add(worker_id, is_protected=self.new_are_protected)
        folder = self.state.work / worker_id
        folder.mkdir(parents=True, exist_ok=True)
        process = processes.spawn(
            self.command,
            env={**self.environment(worker_id, folder), **self.metadata.environment_for(worker_id)},
            log=self.state.logs / f"{_NAME}{worker_id}.log",
            cwd=ROOT,
        )
        processes.record(self.state, _NAME + worker_id, process.pid)
        self.agents.append(Agent(worker_id, process, started_at=now))
        where = self.metadata.endpoint_for(worker_id)
        self.tell(f"started {worker_id} (process {process.pid}, its metadata at {where})")

    def _is_let_go(self, agent: Agent, now: float) -> bool:
        """As the group's lifecycle hook has it: the agent's word, or its heartbeat is over."""
        assert agent.wait_until is not None
        return now >= agent.wait_until or self.metadata.machines.may_end(agent.worker_id)

    def _end(self, agent: Agent, now: float) -> None:
        agent.wait_until = now
        agent.kill_at = now + self.grace_seconds
        agent.process.send_signal(signal.SIGTERM)

    def _kill(self, agent: Agent, now: float) -> None:
        agent.wait_until = agent.kill_at = now
        processes.kill_group(agent.process.pid)

    def _bury(self, agent: Agent, now: float) -> None:
        """Its Blender must not outlive it. A worker that broke at once is replaced ever more slowly."""
        self.agents.remove(agent)
        folder = self.state.work / agent.worker_id
        processes.kill_group(agent.process.pid)
        processes.kill_strays(self.state, folder)
        shutil.rmtree(folder, ignore_errors=True)
        processes.forget(self.state, _NAME + agent.worker_id)
        self.metadata.machines.remove(agent.worker_id)
        self.tell(f"{agent.worker_id} ended (exit {agent.process.returncode})")
        if agent.going:
            return
        self.short_lives = self.short_lives + 1 if now - agent.started_at < SHORT_LIFE_SECONDS else 0
        self.start_after = now + min(2.0**self.short_lives - 1, MAX_BACKOFF_SECONDS)


def running(state: StateFolder) -> list[processes.ProcessRecord]:
    """Agents alive, as another process can know them."""
    names = [path.stem for path in sorted(state.processes.glob(f"{_NAME}*.json"))]
    return [process for name in names if (process := processes.recorded(state, name))]
