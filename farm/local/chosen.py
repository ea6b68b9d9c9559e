"""The laptop farm of this checkout as any other farm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from farm.chosen_farm import LOCAL, ChosenFarm, FleetFacts
from farm.local import emulator
from farm.local.settings import LocalSettings
from farm.local.state import FarmRecord, StateFolder, read_json

_START_SECONDS: Final = 5.0
"""An agent and its Blender, as measured."""


def laptop_farm(env: Mapping[str, str]) -> ChosenFarm | None:
    """The laptop farm, if it is up. Raises LocalSettingsError."""
    settings = LocalSettings.from_env(env)
    state = StateFolder(settings.state_dir)
    record = state.read_farm()
    if record is None or not record.outputs or not emulator.running(state):
        return None
    return as_chosen(record, state, hour_dollars=settings.hour_dollars)


def as_chosen(record: FarmRecord, state: StateFolder, *, hour_dollars: float = 0.0) -> ChosenFarm:
    """A laptop farm that is up."""
    from farm.local import clients

    report = read_json(state.fleet_report) or {}
    return ChosenFarm(
        name=LOCAL,
        outputs=record.outputs,
        clients=clients.clients_of(record.endpoint),
        dashboard_url=record.page_url,
        explain=lambda: _explain(state),
        fleet=FleetFacts(
            most_workers=int(report.get("max_agents", 1)),
            start_seconds=_START_SECONDS,
            hour_dollars=hour_dollars,
        ),
    )


def _explain(state: StateFolder) -> str:
    from farm.local import status

    return status.explain(state)
