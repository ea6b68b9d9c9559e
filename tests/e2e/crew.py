"""A laptop farm whose fleet is gone: the test starts and kills agents itself."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from farm.local import lifecycle, processes
from farm.local.cage import cage_here
from farm.local.fleet import AgentEnvironment, deployed_settings
from farm.local.metadata import MetadataServer
from farm.local.settings import LocalSettings
from tests.e2e.laptop import ROOT, LaptopFarm, a_farm

GRACE_SECONDS = 30
"""An agent that was asked to go has gone by then, on a busy computer too."""


@dataclass(frozen=True, slots=True)
class CrewMember:
    """An agent, and the folder that it and its Blender work in."""

    name: str
    process: subprocess.Popen[bytes]
    folder: Path
    log: Path


@dataclass
class Crew:
    farm: LaptopFarm
    environment: AgentEnvironment
    metadata: MetadataServer
    """What each agent's machine is told: nobody ends it, and it cannot end itself."""
    lease_seconds: int
    members: list[CrewMember] = field(default_factory=list)
    """Those at work."""

    def start(self, name: str) -> CrewMember:
        """An agent whose leases are short."""
        folder = self.farm.state.work / name
        folder.mkdir(parents=True)
        env = {
            **self.environment(name, folder),
            **self.metadata.environment_for(name),
            "FARM_LEASE_SECONDS": str(self.lease_seconds),
            "FARM_POLL_SECONDS": "1",
        }
        log = self.farm.state.logs / f"{name}.log"
        process = processes.spawn([sys.executable, "-m", "worker_agent"], env=env, log=log, cwd=ROOT)
        member = CrewMember(name, process, folder, log)
        self.members.append(member)
        return member

    def kill(self, member: CrewMember) -> None:
        """As a machine that is gone at once: the agent and its Blender. A dead one is fine."""
        member.process.kill()
        member.process.wait()
        processes.kill_strays(self.farm.state, member.folder)
        self.members.remove(member)
        self.metadata.machines.remove(member.name)

    def ask_to_go(self, member: CrewMember) -> None:
        """SIGTERM: it ends well, and takes its Blender along. One that has not begun just ends."""
        expected = {0} if "is ready" in member.log.read_text() else {0, -signal.SIGTERM}
        member.process.send_signal(signal.SIGTERM)
        code = member.process.wait(GRACE_SECONDS)
        self.members.remove(member)
        left = processes.kill_strays(self.farm.state, member.folder)
        assert code in expected, f"{member.name} ended with {code}\n{member.log.read_text()}"
        assert left == [], f"{member.name} left processes\n{member.log.read_text()}"

    @contextmanager
    def agent(self, name: str) -> Iterator[CrewMember]:
        """An agent that is dead in the end, however."""
        member = self.start(name)
        try:
            yield member
        finally:
            self.kill(member)


@contextmanager
def a_crew(folder: Path, *, lease_seconds: int) -> Iterator[Crew]:
    """A farm with the bpy of this Python and nobody at work yet."""
    with a_farm(folder, FARM_BLENDER=sys.executable) as farm:
        lifecycle.stop_fleet(farm.state, lambda _: None)
        settings = LocalSettings.from_env(farm.env)
        deployed = deployed_settings(farm.record)
        environment = AgentEnvironment(settings, farm.state, farm.record, deployed, cage_here().kind)
        metadata = MetadataServer()
        metadata.start()
        crew = Crew(farm, environment, metadata, lease_seconds)
        try:
            yield crew
        finally:
            for member in list(crew.members):
                crew.kill(member)
            metadata.stop()


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
