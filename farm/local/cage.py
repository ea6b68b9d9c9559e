"""What holds Blender on this computer: bubblewrap, where it works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from contract.cage.probe import CageUnavailableError, offered_options
from contract.settings import Cage


@dataclass(frozen=True, slots=True, kw_only=True)
class CageHere:
    """`options` are bubblewrap's; None where it does not work, and then `problem` says why."""

    options: frozenset[str] | None
    problem: str = ""

    @property
    def kind(self) -> Cage:
        return Cage.NONE if self.options is None else Cage.BUBBLEWRAP

    @property
    def words(self) -> str:
        """For a person, in a line."""
        if self.options is None:
            return f"none, so files' own scripts are off: {self.problem}"
        return f"{self.kind}: no network, and no files but the job's own"


@cache
def cage_here() -> CageHere:
    """Found out by making one."""
    try:
        return CageHere(options=offered_options())
    except CageUnavailableError as error:
        return CageHere(options=None, problem=str(error))
