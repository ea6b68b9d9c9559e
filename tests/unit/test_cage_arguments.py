"""What of the machine is put into a cage, as bubblewrap is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from contract.cage.bubblewrap import Confinement, caged
from contract.cage.roots import blender_roots, graphics_devices, python_roots
from contract.settings import AgentSettings
from tests.contract.test_settings import sample
from tests.support.blender_children import ROOT
from worker_agent.cage.cell import Cell

OFFERED = frozenset({"--clearenv", "--size", "--disable-userns"})


def arguments(offered: frozenset[str] = OFFERED) -> list[str]:
    confinement = Confinement(
        readable=(Path("/tmp/jobs/one/baked"), Path("/opt/blender")), writable=(Path("/tmp/jobs/one"),)
    )
    return caged(
        ["/opt/blender/blender", "-b"],
        confinement,
        environment={"HOME": "/home", "PATH": "/root/bin"},
        folder=Path("/tmp/jobs/one"),
        offered=offered,
    )


def test_the_program_comes_last_and_after_its_bounds() -> None:
    made = arguments()
    assert made[0] == "bwrap"
    assert made[-3:] == ["--", "/opt/blender/blender", "-b"]
    for bound in ("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"):
        assert bound in made
    assert "--share-net" not in made
    assert made[made.index("--cap-drop") + 1] == "ALL"


def test_the_root_is_bound_nowhere_and_the_rest_read_only() -> None:
    made = arguments()
    bound = [made[at + 1] for at, part in enumerate(made) if part in ("--bind", "--dev-bind", "--bind-try")]
    assert bound == ["/tmp/jobs/one"]
    assert "/" not in [made[at + 1] for at, part in enumerate(made) if part.startswith("--ro-bind")]
    assert made.index("--remount-ro") < made.index("--")


def test_a_mount_is_made_after_what_it_lies_in() -> None:
    made = arguments()
    assert made.index("/tmp") < made.index("/opt/blender") < made.index("/tmp/jobs/one/baked")


def test_a_folder_may_have_another_path_inside() -> None:
    moved = Confinement(readable=(), writable=(), renamed=((Path("/tmp/baking"), Path("/tmp/baked")),))
    made = caged(["blender"], moved, environment={}, folder=Path("/"), offered=OFFERED)
    at = made.index("/tmp/baking")
    assert made[at - 1 : at + 2] == ["--ro-bind", "/tmp/baking", "/tmp/baked"]
    assert at > made.index("/tmp"), "or the cage's own /tmp would hide it"


def test_its_environment_is_what_it_is_given_but_for_the_path() -> None:
    made = arguments()
    given = {made[at + 1]: made[at + 2] for at, part in enumerate(made) if part == "--setenv"}
    assert given == {"HOME": "/home", "PATH": "/usr/local/bin:/usr/bin:/bin"}


def test_an_older_bubblewrap_is_not_asked_for_what_it_lacks() -> None:
    made = arguments(frozenset())
    assert not {"--clearenv", "--size", "--disable-userns"} & set(made)
    assert made.count("--tmpfs") == 2


def test_of_a_blender_in_a_folder_of_its_own_that_folder_is_needed(tmp_path: Path) -> None:
    (tmp_path / "blender-4.5/4.5/scripts").mkdir(parents=True)
    program = tmp_path / "blender-4.5/blender"
    program.touch()
    (tmp_path / "link").symlink_to(program)
    assert blender_roots(program) == (program.parent,)
    assert set(blender_roots(tmp_path / "link")) == {tmp_path / "link", program.parent}


def test_of_a_program_among_others_only_itself_is_needed(tmp_path: Path) -> None:
    """A person's ~/bin/blender must not put their home into the cage."""
    (tmp_path / "diary").touch()
    (tmp_path / "blender").touch()
    assert blender_roots(tmp_path / "blender") == (tmp_path / "blender",)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to("/usr/bin/python3")
    assert python_roots(tmp_path / "bin/python3") == (tmp_path / "bin/python3",)


def test_what_the_system_has_is_not_named_again() -> None:
    assert blender_roots(Path("/usr/bin/blender")) == ()


def test_a_virtual_environment_brings_the_python_behind_it() -> None:
    roots = python_roots(Path(sys.executable))
    for prefix in (sys.prefix, sys.base_prefix):
        assert any(Path(prefix).is_relative_to(root) for root in (*roots, Path("/usr"))), prefix
    assert Path.home() not in roots


def test_only_graphics_cards_are_devices(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidiactl", "sda", "mem"):
        (tmp_path / name).touch()
    (tmp_path / "dri").mkdir()
    assert [path.name for path in graphics_devices(tmp_path)] == ["dri", "nvidia0", "nvidiactl"]


def test_a_cell_is_new_each_time_and_its_log_lies_outside_of_what_blender_writes(tmp_path: Path) -> None:
    cell = Cell(tmp_path / "session")
    cell.make()
    cell.log.write_text("said")
    (cell.home / "left").touch()
    assert cell.new_frames_folder() != cell.new_frames_folder()
    assert not any(cell.log.is_relative_to(place) for place in (cell.home, cell.frames))
    cell.make()
    assert sorted(path.name for path in cell.folder.rglob("*")) == ["frames", "home"]
    cell.clear()
    assert not cell.folder.exists()


def test_an_agent_that_is_to_have_a_cage_does_not_start_without(tmp_path: Path) -> None:
    settings = sample(AgentSettings)
    env = {**os.environ, **settings.to_env(), "FARM_BLENDER_RUNTIMES": "4.5.15", "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "worker_agent"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "bwrap is not on this machine: install bubblewrap" in done.stderr
