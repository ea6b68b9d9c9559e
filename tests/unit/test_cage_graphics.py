"""What a cage with a graphics card in it shows of the machine, and one without does not."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from contract.cage.bubblewrap import Confinement, caged
from contract.cage.probe import offered_options
from contract.cage.roots import graphics_facts


def command_line(folder: Path, *devices: Path, program: Sequence[str] = ("true",)) -> list[str]:
    confinement = Confinement(readable=(), writable=(folder,), devices=devices)
    return caged(program, confinement, environment={}, folder=folder, offered=offered_options())


def read_only(command: list[str]) -> list[str]:
    return [command[at + 1] for at, part in enumerate(command) if part == "--ro-bind"]


def test_the_drivers_part_of_sys_is_named_as_far_as_it_is_there(tmp_path: Path) -> None:
    for name in ("bus/pci", "bus/usb", "devices", "module/nvidia_uvm", "module/nvidia", "module/ext4", "fs"):
        (tmp_path / name).mkdir(parents=True)
    named = [str(path.relative_to(tmp_path)) for path in graphics_facts(tmp_path)]
    assert named == ["bus/pci", "devices", "module/nvidia", "module/nvidia_uvm"]
    for name in ("class/drm", "class/kfd", "dev/char", "module/amdgpu"):
        (tmp_path / name).mkdir(parents=True)
        assert tmp_path / name in graphics_facts(tmp_path)


def test_with_a_card_it_can_be_read_and_not_without(tmp_path: Path) -> None:
    facts = [str(path) for path in graphics_facts()]
    card = Path("/dev/null")  # any device file will do
    assert set(facts) <= set(read_only(command_line(tmp_path, card)))
    assert not [path for path in read_only(command_line(tmp_path)) if path.startswith("/sys")]


@pytest.mark.skipif(not Path("/sys/devices/system/cpu/online").exists(), reason="no /sys here")
def test_in_a_real_cage_it_is_there_to_read_and_not_to_write(tmp_path: Path) -> None:
    look = ["/bin/sh", "-c", "cat /sys/devices/system/cpu/online && ls /sys && ! touch /sys/made"]
    command = command_line(tmp_path, Path("/dev/null"), program=look)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    online, *shown = done.stdout.split()
    assert online == Path("/sys/devices/system/cpu/online").read_text().strip()
    assert "devices" in shown and not {"fs", "kernel", "firmware"} & set(shown)
