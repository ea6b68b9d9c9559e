"""The laptop farm of this checkout as any other farm."""

from __future__ import annotations

from collections.abc import Mapping

from farm.chosen_farm import LOCAL, ChosenFarm
from farm.local import emulator
from farm.local.settings import LocalSettings
from farm.local.state import FarmRecord, StateFolder


def laptop_farm(env: Mapping[str, str]) -> ChosenFarm | None:
    """The laptop farm, if it is up. Raises LocalSettingsError."""
    state = StateFolder(LocalSettings.from_env(env).state_dir)
    record = state.read_farm()
    if record is None or not record.outputs or not emulator.running(state):
        return None
    return as_chosen(record, state)


def as_chosen(record: FarmRecord, state: StateFolder) -> ChosenFarm:
    """A laptop farm that is up."""
    from farm.local import clients

    return ChosenFarm(
        name=LOCAL,
        outputs=record.outputs,
        clients=clients.clients_of(record.endpoint),
        dashboard_url=record.page_url,
        explain=lambda: _explain(state),
    )


def _explain(state: StateFolder) -> str:
    from farm.local import status

    return status.explain(state)
