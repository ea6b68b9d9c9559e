"""Checks of a laptop farm's own parts."""

from __future__ import annotations

from farm.doctor.finding import Said, broken, warning, well
from farm.local import agents, emulator, fleet, processes
from farm.local.state import FarmRecord, StateFolder, read_json


def running(state: StateFolder, record: FarmRecord) -> Said:
    """The emulator answers, and the fleet's keeper lives and sees no trouble."""
    again = "`farm local up` starts what is missing"
    if not emulator.healthy(record.endpoint):
        return broken(f"the AWS emulator does not answer: see {state.logs}/emulator.log", again)
    if not processes.recorded(state, fleet.NAME):
        return broken(f"the fleet is not running: see {state.logs}/fleet.log", again)
    report = read_json(state.fleet_report) or {}
    if report.get("problem"):
        return warning(str(report["problem"]), f"see {state.logs}/fleet.log")
    count = len(agents.running(state))
    return well(f"the emulator and the fleet run, with {count} {'agent' if count == 1 else 'agents'}")
