"""What one Blender's cage is made of: how it is started, and what it may use up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contract.cage.bubblewrap import Confinement, caged
from contract.cage.roots import graphics_devices
from worker_agent.cage.hatch import Hatch
from worker_agent.cage.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Readable and writable are a job's own folders; what Blender needs to run comes by itself."""

    offered: frozenset[str]
    """The options of this machine's bubblewrap."""
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    renamed: tuple[tuple[Path, Path], ...] = ()
    """To be read under another path: the one outside, then the one inside."""
    hatch: Hatch | None = None
    """Where a project will be shown, of a cage that has none yet."""
    limits: Limits = field(default_factory=Limits)

    def inside(self, path: Path) -> Path:
        """The path in the cage of a file of the job."""
        for outside, inside in self.renamed:
            if path.is_relative_to(outside):
                return inside / path.relative_to(outside)
        return path

    def around(
        self,
        command: list[str],
        *,
        needed: tuple[Path, ...],
        home: Path,
        environment: Mapping[str, str],
    ) -> list[str]:
        """The command line of `command` in the cage: what is `needed` can be read, `home` be written."""
        hatch = ((self.hatch.place, self.hatch.inside),) if self.hatch else ()
        confinement = Confinement(
            readable=(*needed, *self.readable),
            writable=(home, *self.writable),
            renamed=(*self.renamed, *hatch),
            devices=graphics_devices(),
        )
        return caged(command, confinement, environment=environment, folder=home, offered=self.offered)
