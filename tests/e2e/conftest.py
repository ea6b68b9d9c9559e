"""Laptop farms for tests, with the real Blender."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.laptop import LaptopFarm, a_farm


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight small frames, a second or so altogether."""
    path = tmp_path_factory.mktemp("scene") / "scene.blend"
    program = Path(__file__).with_name("small_scene.py")
    subprocess.run([sys.executable, str(program), str(path)], check=True, capture_output=True, timeout=120)
    return path


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    """A laptop farm that is not up yet, and is down in the end."""
    with a_farm(tmp_path_factory.mktemp("laptop"), up=False) as farm:
        yield farm


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    """A laptop farm that is up, for all tests that leave it as it was: to bring one up takes a while."""
    with a_farm(tmp_path_factory.mktemp("laptop")) as farm:
        yield farm
