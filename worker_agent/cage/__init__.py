"""The cage around a Blender: where it works, what it may use up, and who sees to that."""

from worker_agent.cage.bars import Bars
from worker_agent.cage.cell import Cell
from worker_agent.cage.hatch import Hatch, HatchError
from worker_agent.cage.limits import Limits

__all__ = ["Bars", "Cell", "Hatch", "HatchError", "Limits"]
