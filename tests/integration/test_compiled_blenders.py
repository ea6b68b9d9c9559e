"""What an installed Blender loads as it starts is compiled once, and found where nothing can be written."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from contract.cage.probe import offered_options
from contract.runtimes import RuntimeForm, RuntimeSpec
from tests.support.runtimes import executable
from worker_agent.blender import BlenderSession, Runtime
from worker_agent.cage import Bars
from worker_agent.runtimes.compiling import compile_what_it_loads
from worker_agent.runtimes.shelf import START, BlenderShelf

SCRIPTS_OF_DEBIAN = Path("/usr/share/blender/scripts")
PACKAGES = ("bpy", "numpy", "numpy.libs")
UNCOMPILED = shutil.ignore_patterns("__pycache__")


def link(source: str, target: str) -> None:
    """As good as a copy as long as nobody writes into it; it is large."""
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copy2(source, target)


def lay_out_module(spec: RuntimeSpec, folder: Path, stopped: Callable[[], bool]) -> Path:
    """As the wheel's installer leaves it: an environment of this Python, with bpy in it."""
    home = folder / "bpy"
    (home / "bin").mkdir(parents=True)
    python = Path(sys.executable).resolve()
    (home / START[RuntimeForm.MODULE]).symlink_to(python)
    (home / "pyvenv.cfg").write_text(f"home = {python.parent}\n")
    packages = home / f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    for name in PACKAGES:
        source = Path(sysconfig.get_path("purelib"), name)
        shutil.copytree(source, packages / name, copy_function=link, ignore=UNCOMPILED)
    return home


def lay_out_executable(spec: RuntimeSpec, folder: Path, stopped: Callable[[], bool]) -> Path:
    """Debian's Blender as a release lays it out: with scripts of its own, none of them compiled."""
    home = folder / "release"
    shutil.copytree(SCRIPTS_OF_DEBIAN, home / "3.4/scripts", ignore=UNCOMPILED)
    start = home / START[RuntimeForm.EXECUTABLE]
    start.write_text(
        '#!/bin/sh\nBLENDER_SYSTEM_SCRIPTS="$(dirname "$(readlink -f "$0")")/3.4/scripts" '
        f'exec {executable()} "$@"\n'
    )
    start.chmod(0o755)
    return home


def spoil(source: Path) -> None:
    """What a compiled file is held against stays as it was; who reads the source itself fails."""
    facts = source.stat()
    source.unlink()
    source.write_bytes(b"(" * facts.st_size)
    os.utime(source, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def start_in_a_cage(runtime: Runtime, folder: Path) -> str:
    session = BlenderSession.start(
        runtime=runtime,
        workdir=folder / "home",
        log_path=folder / "blender.log",
        start_timeout_seconds=120,
        bars=Bars(offered=offered_options()),
    )
    with session:
        return session.runtime_version


@pytest.mark.parametrize(
    ("form", "release", "lay_out"),
    [
        (RuntimeForm.MODULE, version("bpy"), lay_out_module),
        (RuntimeForm.EXECUTABLE, "3.4.1", lay_out_executable),
    ],
)
def test_a_start_reads_none_of_the_sources_that_were_compiled(
    tmp_path: Path,
    form: RuntimeForm,
    release: str,
    lay_out: Callable[[RuntimeSpec, Path, Callable[[], bool]], Path],
) -> None:
    python = sys.executable if form is RuntimeForm.MODULE else ""
    spec = RuntimeSpec(version=release, wheel_python=python)
    runtime = BlenderShelf([spec], tmp_path / "shelf", installer=lay_out).runtime(spec)
    compiled = list(runtime.path.parents[START[form].count("/")].rglob("*.pyc"))
    assert len(compiled) > 100
    for file in compiled:
        spoil(file.parent.parent / f"{file.name.split('.')[0]}.py")
    assert start_in_a_cage(runtime, tmp_path) == release
    said = (tmp_path / "blender.log").read_text()
    assert "Error" not in said, said[-2000:]


def test_a_folder_reached_through_a_link_is_compiled_and_another_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A release finds its own files by their true names."""
    spec = RuntimeSpec(version="3.4.1")
    home = lay_out_executable(spec, tmp_path, lambda: False)
    link_to_it, empty = tmp_path / "link", tmp_path / "empty"
    link_to_it.symlink_to(home)
    empty.mkdir()
    caplog.set_level(logging.WARNING)
    start = link_to_it / START[RuntimeForm.EXECUTABLE]
    compile_what_it_loads(start, link_to_it, stopped=lambda: False)
    assert len(list(home.rglob("*.pyc"))) > 100
    assert not caplog.messages
    compile_what_it_loads(start, empty, stopped=lambda: False)
    assert f"0 files of Blender 3.4.1 compiled in {empty}" in caplog.text


def test_a_blender_that_is_compiled_sees_none_of_the_agents_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    start = tmp_path / START[RuntimeForm.EXECUTABLE]
    start.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\n")
    start.chmod(0o755)
    compile_what_it_loads(start, tmp_path, stopped=lambda: False)
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines())
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert seen["HOME"] != os.environ["HOME"]
    assert seen["PATH"] == os.environ["PATH"]
