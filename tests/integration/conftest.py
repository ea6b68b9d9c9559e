"""A farm whose AWS is the emulator's, for all tests of the `farm` command: to bring it up takes a while."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from farm.chosen_farm import ChosenFarm
from farm.jobs import Farm
from farm.which_farm import which_farm
from tests.support.farm_stacks import Deployed, a_farm_called_film


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with a_farm_called_film(tmp_path_factory.mktemp("film")) as film:
        yield film


@pytest.fixture
def person(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """The farm, empty, and a process with the person's environment."""
    for name in set(os.environ) - set(deployed.env):
        monkeypatch.delenv(name)
    for name, value in deployed.env.items():
        monkeypatch.setenv(name, value)
    deployed.empty()
    return deployed.farm


@pytest.fixture(scope="session")
def remembered() -> Callable[[str | None], ChosenFarm]:
    return cache(which_farm)


@pytest.fixture
def farm(
    person: Farm, remembered: Callable[[str | None], ChosenFarm], monkeypatch: pytest.MonkeyPatch
) -> Farm:
    """The same; it is looked for once for all tests: to make clients takes a while."""
    monkeypatch.setattr("farm.which_farm.which_farm", remembered)
    return person
