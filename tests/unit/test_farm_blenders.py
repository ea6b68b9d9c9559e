"""Which Blenders a laptop farm has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.blender_releases import numbers
from contract.runtimes import RuntimeForm, RuntimeSpec
from farm.local import blenders, lifecycle
from farm.local.blenders import NoBlenderError, runtimes
from farm.local.pythons import find_python
from farm.local.settings import LocalSettings, blender_folder
from farm.local.state import FarmRecord, StateFolder


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def a_python(path: Path, series: str) -> Path:
    return program(path, f"echo {series}")


def test_each_named_blender_is_asked_for_its_version(tmp_path: Path) -> None:
    new, again = (program(tmp_path / name, "echo Blender 9.1.2 Alpha") for name in ("blender-9", "other"))
    found = runtimes([sys.executable, str(new), str(again)], {})
    assert [(spec.path, spec.form) for spec in found] == [
        (sys.executable, RuntimeForm.MODULE),
        (str(new), RuntimeForm.EXECUTABLE),
    ]
    assert found[1].version == "9.1.2"
    assert found[0].version.startswith(("4.5.", "5.2."))


def test_a_link_to_a_python_keeps_its_name(tmp_path: Path) -> None:
    """A virtual environment's Python is a link, and finds its packages by that name alone."""
    assert blenders.ask(sys.executable).path == sys.executable


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path / "gone" / "blender", "expected a Blender executable (No such file or directory)"),
        (lambda path: path, "expected a Blender executable (Permission denied)"),
        (
            lambda path: program(path / "blender", "echo hello"),
            "expected a Blender executable, and it said: hello",
        ),
        (lambda path: program(path / "blender", "exit 1"), "and it said: nothing"),
        (
            lambda path: program(path / "python3", "echo ModuleNotFoundError: bpy >&2; exit 1"),
            "expected a Python that has bpy, and it said: ModuleNotFoundError: bpy",
        ),
    ],
)
def test_what_is_no_blender_is_refused_by_name(tmp_path: Path, make: object, said: str) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    with pytest.raises(NoBlenderError) as caught:
        runtimes([str(path)], {})
    assert str(caught.value).startswith(f"FARM_BLENDER names {path}: ")
    assert said in str(caught.value)


def test_by_default_this_python_and_a_newer_one_where_its_python_is(tmp_path: Path) -> None:
    python = a_python(tmp_path / "bin/python3.13", "3.13")
    (own,) = runtimes([], {"PATH": str(tmp_path / "none"), "HOME": str(tmp_path)})
    assert (own.path, own.form) == (sys.executable, RuntimeForm.MODULE)
    if numbers(own.version) >= (5, 2):
        pytest.skip("this Python's own Blender is the newest")
    found = runtimes([], {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert found == (own, RuntimeSpec(version="5.2.3", wheel_python=str(python)))


def test_a_python_is_one_that_starts(tmp_path: Path) -> None:
    """pyenv's own command is on PATH for each version it has, and fails for those switched off."""
    program(tmp_path / "shims/python3.13", "echo not switched on >&2; exit 127")
    program(tmp_path / "odd/python3.13", "echo 3.14")
    env = {"PATH": f"{tmp_path}/shims::{tmp_path}/odd", "HOME": str(tmp_path)}
    assert find_python("3.13", env) is None
    real = a_python(tmp_path / ".pyenv/versions/3.13.2/bin/python3.13", "3.13")
    a_python(tmp_path / ".pyenv/versions/3.12.9/bin/python3.12", "3.12")
    assert find_python("3.13", env) == real
    moved = a_python(tmp_path / "pyenv/versions/3.13.9/bin/python3.13", "3.13")
    assert find_python("3.13", {**env, "PYENV_ROOT": str(tmp_path / "pyenv")}) == moved
    first = a_python(tmp_path / "first/python3.13", "3.13")
    assert find_python("3.13", {**env, "PATH": f"{tmp_path}/first"}) == first


def test_several_blenders_are_named_with_colons() -> None:
    settings = LocalSettings.from_env({"FARM_BLENDER": f"/a/blender{os.pathsep}b/python{os.pathsep}"})
    assert settings.blenders == ("/a/blender", str(Path.cwd() / "b/python"))
    assert LocalSettings.from_env({}).blenders == ()


def test_all_farms_of_a_person_share_one_folder() -> None:
    assert str(blender_folder({"HOME": "/home/me"})) == "/home/me/.cache/autoblenderrender/blender"
    assert str(blender_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"})) == "/c/autoblenderrender/blender"


def test_a_blender_is_asked_once_for_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateFolder(tmp_path)
    blender = program(tmp_path / "blender", "echo Blender 9.1.2; echo >> $0.asked")
    settings = LocalSettings.from_env({"FARM_STATE_DIR": str(tmp_path), "FARM_BLENDER": str(blender)})
    first = lifecycle._runtimes(settings, state)
    assert first == f"9.1.2={blender}"
    farm = FarmRecord(endpoint="http://x", blenders=str(blender), runtimes=first)
    state.write_farm(farm)
    monkeypatch.setattr(lifecycle, "find", StateFolder.read_farm)
    assert lifecycle._runtimes(settings, state) == first
    assert len(blender.with_name("blender.asked").read_text().splitlines()) == 1
    other = LocalSettings.from_env({"FARM_BLENDER": sys.executable})
    assert lifecycle._runtimes(other, state).endswith(f"={sys.executable}")


def test_up_refuses_what_is_no_blender_and_starts_nothing(tmp_path: Path) -> None:
    env = {**os.environ, "FARM_STATE_DIR": str(tmp_path / "state"), "FARM_BLENDER": "/no/blender"}
    command = [sys.executable, "-m", "farm", "local", "up"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "FARM_BLENDER names /no/blender" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state" / "processes").exists()
