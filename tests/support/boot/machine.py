"""A machine to boot: a clean system of its own, where programs stand in for what only Amazon Linux has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.support.boot.clean_root import DEBIAN_NAMES
from tests.support.small_disk import small_disk

_HERE: Final = Path(__file__).parent
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PYTHON: Final = "/usr/lib/tests/python"
_PACKAGES: Final = "/usr/lib/tests/packages"
"""Where the machine sees those of the tests."""
_SECONDS: Final = 300


def stand_ins(folder: Path) -> Path:
    """A layer with the programs of the `stand_ins` folder, before all others of the same names."""
    programs = folder / "usr/local/sbin"
    shutil.copytree(_HERE / "stand_ins", programs)
    (folder / "usr/sbin").mkdir()
    (programs / "mount.efs").rename(folder / "usr/sbin/mount.efs")  # where mount looks
    (folder / "srv/efs").mkdir(parents=True)
    (folder / "srv/efs").chmod(0o777)
    (folder / "etc/ld.so.conf.d").mkdir(parents=True)
    (folder / "etc/ld.so.conf.d/tests.conf").write_text(f"{_PYTHON}/lib\n")
    (folder / "etc/debian-names").write_text("".join(f"{a}={d}\n" for a, d in DEBIAN_NAMES.items()))
    return folder


@dataclass
class Machine:
    """Its system is `layers`, the first on top, under what it has written itself."""

    layers: Sequence[Path]
    written: Path
    device: str
    env: Mapping[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Start the machine for one program, as root."""
        return subprocess.run(
            self._command(command), env=self._env(env), capture_output=True, text=True, timeout=_SECONDS
        )

    def boot(self, user_data: str, **env: str) -> int:
        """Run the user data; how it ended. What it has started goes on until `turn_off`."""
        self.write("/var/user-data", user_data)
        self.path("/var/user-data").chmod(0o700)
        ended = self.path("/var/user-data-ended")
        ended.unlink(missing_ok=True)
        script = "/var/user-data >>/var/log/cloud-init-output.log 2>&1; echo $? >/var/.ended"
        script += "; mv /var/.ended /var/user-data-ended; exec /bin/sleep infinity"
        process = subprocess.Popen(self._command(["bash", "-c", script]), env=self._env(env), text=True)
        self.processes.append(process)
        self.wait(ended.exists)
        return int(ended.read_text())

    def turn_off(self) -> None:
        while self.processes:
            process = self.processes.pop()
            process.kill()  # with `unshare` the machine's first process dies, and so all of them
            process.wait(10)

    def wait(self, until: Callable[[], object], seconds: float = _SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            alive = all(process.poll() is None for process in self.processes)
            assert alive and time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def path(self, path: str) -> Path:
        """Where that lies which the machine has written there."""
        return self.written / "upper" / path.lstrip("/")

    def write(self, path: str, text: str) -> None:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)

    def log(self, name: str) -> str:
        """Of /var/log, as far as it goes."""
        path = self.path(f"/var/log/{name}")
        return path.read_text() if path.exists() else ""

    def said(self) -> str:
        """The end of what the boot and the agent said."""
        return "\n".join(self.log(name)[-3000:] for name in ("cloud-init-output.log", "agent.log"))

    def called(self, program: str) -> list[str]:
        """How a stand-in was called, each time."""
        lines = self.log("stand-ins").splitlines()
        return [line.partition(" ")[2] for line in lines if line.partition(" ")[0] == program]

    def forget_calls(self) -> None:
        self.write("/var/log/stand-ins", "")  # over what an image's layer has

    def _command(self, command: Sequence[str]) -> list[str]:
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        layers = ":".join(map(str, self.layers))
        return [*own, "bash", str(_HERE / "enter.sh"), layers, str(self.written), self.device, *command]

    def _env(self, more: Mapping[str, str]) -> dict[str, str]:
        tests = {
            "SHOWN": f"{sys.base_prefix}={_PYTHON}:{sysconfig.get_path('purelib')}={_PACKAGES}",
            "TEST_PYTHON": f"{_PYTHON}/bin/python3.11",
            "TEST_PACKAGES": _PACKAGES,
        }
        return {"PATH": _PATH, "LANG": "C.UTF-8", **tests, **self.env, **more}


@contextmanager
def a_machine(
    folder: Path, layers: Sequence[Path], env: Mapping[str, str], *, megabytes: int = 2_000
) -> Iterator[Machine]:
    """With a system disk of that size in memory, and a work disk that nobody has used."""
    with small_disk(folder / "disk", kilobytes=megabytes * 1024) as disk, _block_device(folder) as device:
        disk.folder.chmod(0o755)
        (disk.folder / "upper").mkdir()
        machine = Machine(layers=layers, written=disk.folder, device=device, env=env)
        try:
            yield machine
        finally:
            machine.turn_off()


@contextmanager
def _block_device(folder: Path) -> Iterator[str]:
    image = folder / "work-disk"
    with image.open("wb") as file:
        os.truncate(file.fileno(), 400 * 1024**2)
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"there are no block devices to be had here: {made.stderr.strip()}")
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
