"""One laptop farm for each module, with the real Blender."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.laptop import LaptopFarm, processes_of


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
    yield from _a_farm(tmp_path_factory, up=False)


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    """A laptop farm that is up."""
    yield from _a_farm(tmp_path_factory, up=True)


def _a_farm(tmp_path_factory: pytest.TempPathFactory, *, up: bool) -> Iterator[LaptopFarm]:
    laptop = LaptopFarm(tmp_path_factory.mktemp("laptop"))
    try:
        if up:
            code, said = laptop.run("up")
            assert code == 0, said
        yield laptop
    finally:
        code, said = laptop.run("down")
        assert code == 0, said
        assert processes_of(laptop.state) == []
