"""The boot of a machine, for real but for what only AWS has: system, packages, disk, agent, a task."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from contract.job import JobState
from stacks.agent_wheels import downloaded_wheels
from stacks.assets import ROOT
from tests.support.boot.clean_root import clean_root
from tests.support.boot.machine import Machine, a_machine, stand_ins
from tests.support.boot.surroundings import WORKER, Surroundings, surroundings
from tests.support.release_server import ReleaseServer, archive_of, release_server
from tests.support.user_data import written_files

VERSION, OTHER_VERSION = "4.5.15", "5.2.3"
INSTALL = "/opt/render-worker/agent/worker_agent/boot/install.sh"


def stand_in_release() -> bytes:
    """A Blender that speaks the session's protocol, packed as a release."""
    files = (ROOT / "tests/faults/chaos").glob("*.py")
    top = f"blender-{VERSION}-linux-x64"
    fake = [(f"{top}/fake/tests/faults/chaos/{path.name}", path.read_bytes()) for path in files]
    program = (
        '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n'
        'PYTHONPATH="$here/fake" exec /usr/bin/python3.11 -S -s -P -B '
        '"$here/fake/tests/faults/chaos/fake_blender.py" "${HOME:-/tmp}" "$@"\n'
    )
    own = (f"{top}/{VERSION[:3]}/scripts/none.py", b"")  # the cage knows a Blender's folder by this
    return archive_of(VERSION, own, *fake, program=program)


@dataclass
class Boots:
    """Machines of one deploy."""

    around: Surroundings
    releases: ReleaseServer
    layers: list[Path]
    """Of a machine that has nothing yet."""
    prepared: list[Path]
    """Of an image that was prepared."""

    @contextmanager
    def machine(self, folder: Path, layers: list[Path], *, megabytes: int = 2_000) -> Iterator[Machine]:
        self.around.forget_failed_boots()
        env = {**self.around.env, "BLENDER_DOWNLOADS": self.releases.base_url}
        with a_machine(folder, layers, env, megabytes=megabytes) as machine:
            yield machine


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boots]:
    """With an image that was prepared for real: the one installation from nothing."""
    folder = tmp_path_factory.mktemp("boot")
    root = clean_root()
    layers = [stand_ins(folder / "stand-ins"), root]
    with surroundings(folder) as around, release_server() as releases:
        releases.offer(VERSION, stand_in_release())
        releases.offer(OTHER_VERSION, archive_of(OTHER_VERSION))
        (altered,) = (path for path in releases.files if path.endswith(f"{OTHER_VERSION}-linux-x64.tar.xz"))
        releases.files[altered] += b"altered"
        made = Boots(around, releases, layers, [])
        with made.machine(folder, layers) as image:
            put_agent(image)
            install = image.run("bash", INSTALL, "prepare", FARM_BLENDER_RUNTIMES=VERSION)
            assert install.returncode == 0, install.stdout[-2000:] + install.stderr[-2000:]
            made.prepared = [image.path("/"), *layers]
            yield made


def put_agent(machine: Machine) -> None:
    """As whoever makes an image does."""
    fetch = (
        "aws s3 cp s3://assets/$name.zip /opt; python3 -m zipfile -e /opt/$name.zip /opt/render-worker/$name"
    )
    done = machine.run(
        "bash",
        "-euc",
        f"base=/opt/render-worker; for name in agent wheels; do {fetch}; rm /opt/$name.zip; done",
    )
    assert done.returncode == 0, done.stderr


def gave_up(boots: Boots, machine: Machine, reason: str) -> None:
    """That the machine said so, counted itself, left its group smaller, and turned itself off."""
    count = boots.around.failed_boots()
    said = str(count.get("reason"))
    assert re.match(reason, said), machine.said()
    assert (count["failures"], count["worker_id"]) == (1, WORKER)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(count["failed_at"]))
    assert f"{WORKER} gives up: {said}" in boots.around.logged()
    assert not boots.around.is_in_service
    assert machine.called("shutdown") == ["-h now"]


def has_ended(around: Surroundings, job_id: str) -> bool:
    return around.job(job_id).state.ended


def test_a_machine_boots_and_works_and_boots_again(boots: Boots, tmp_path: Path) -> None:
    with boots.machine(tmp_path, boots.prepared) as machine:
        for turn in ("first", "second"):
            machine.forget_calls()
            assert machine.boot(boots.around.user_data()) == 0, machine.said()
            boots.around.submit(turn)
            machine.wait(partial(has_ended, boots.around, turn), 60)
            assert boots.around.job(turn).state is JobState.DONE, machine.said()
            assert machine.called("dnf") == [], "what is there is left as it is"
            (mount,) = (call.split() for call in machine.called("mount.efs"))
            assert mount[:3] == ["fs-0123456789abcdef0:/", "/mnt/scratch", "-o"]
            wanted = {"tls", "iam", "accesspoint=fsap-0123456789abcdef0", "noresvport"}
            assert wanted <= set(mount[3].split(","))
            machine.turn_off()
        fstab = machine.path("/etc/fstab").read_text().splitlines()
        assert len([line for line in fstab if "/mnt/scratch" in line or "/dev/sdf" in line]) == 2
        assert "FARM_WORKER_ID=" + WORKER in machine.path("/etc/render-worker/instance.env").read_text()
        assert boots.around.failed_boots() == {}


def test_nothing_is_prepared_twice(boots: Boots, tmp_path: Path) -> None:
    with boots.machine(tmp_path, boots.prepared) as machine:
        asked = list(boots.releases.asked)
        again = machine.run("bash", INSTALL, "prepare", FARM_BLENDER_RUNTIMES=VERSION)
        assert again.returncode == 0, again.stderr
        assert machine.called("dnf") == []
        assert boots.releases.asked == asked
        assert not machine.path("/opt/render-worker/venv").exists()


def test_no_network(boots: Boots, tmp_path: Path) -> None:
    with boots.machine(tmp_path, boots.layers) as machine:
        machine.boot(boots.around.user_data(), AWS_ENDPOINT_URL_S3="http://127.0.0.1:9")
        gave_up(boots, machine, "no network: s3://assets/agent.zip: .*Could not connect")


def test_a_machine_that_cannot_be_counted_stays_until_it_is(boots: Boots, tmp_path: Path) -> None:
    """As one without any network: it would be replaced for ever, if it ended."""
    with boots.machine(tmp_path, boots.prepared) as machine:
        for name, text in settings_files(boots).items():
            machine.write(name, text)
        machine.write("/give_up.sh", (ROOT / "worker_agent/boot/give_up.sh").read_text())
        nowhere = {"AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:9", "AWS_RETRY_MODE": "standard"}
        command = ["timeout", "15", "bash", "/give_up.sh", "no network"]
        done = machine.run(*command, AWS_MAX_ATTEMPTS="1", **nowhere)
        assert done.returncode == 124, done.stderr
        assert "waits until it can be counted" in done.stderr
        assert boots.around.is_in_service
        assert machine.called("shutdown") == []


def test_a_program_that_says_nothing_has_its_reason_too(boots: Boots, tmp_path: Path) -> None:
    with boots.machine(tmp_path, boots.prepared) as image:
        reasons = "/opt/render-worker/agent/worker_agent/boot/reasons.sh"
        program = (
            f'set -Eeuo pipefail; trap "echo trapped" ERR; . {reasons}; attempt "mount refused" /mnt false'
        )
        done = image.run("bash", "-c", program)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "render-worker: mount refused: /mnt: it said nothing\n"


def test_no_space(boots: Boots, tmp_path: Path) -> None:
    with boots.machine(tmp_path, boots.layers, megabytes=40) as machine:
        machine.boot(boots.around.user_data())
        gave_up(boots, machine, "no space: s3://assets/wheels.zip: .*No space left on device")


def test_what_cannot_be_prepared_has_its_reason(boots: Boots, tmp_path: Path) -> None:
    """Without the rest of a boot, which is the same whatever the reason."""
    with boots.machine(tmp_path, boots.prepared) as image:

        def refused(**env: str) -> str:
            done = image.run("bash", INSTALL, "prepare", **env)
            assert done.returncode == 1, done.stdout
            return done.stderr.splitlines()[-1].removeprefix("render-worker: ")

        assert refused(MACHINE_IS="aarch64").startswith("unknown architecture: aarch64: ")
        said = refused(FARM_BLENDER_RUNTIMES=OTHER_VERSION)
        assert re.match(rf"bad checksum: {OTHER_VERSION}: .* its release says [0-9a-f]{{64}}: ", said)
        (av,) = downloaded_wheels().glob("av-*.whl")
        image.write(f"/opt/render-worker/wheels/{av.name}", "no wheel")
        image.write("/opt/render-worker/venv/packages.sha256", "of other packages")
        assert refused().startswith("bad checksum: the agent's packages: ")
        image.write("/var/lib/amazon-packages", "")
        said = refused(DNF_LACKS="bubblewrap")
        assert re.match("package missing: python3.11 .*: Error: Unable to find a match: bubblewrap", said)


def test_an_image_prepared_for_other_packages_is_not_started(boots: Boots, tmp_path: Path) -> None:
    with boots.machine(tmp_path, boots.prepared) as machine:
        machine.write("/opt/render-worker/venv/packages.sha256", "of other packages")
        machine.boot(boots.around.user_data(INSTALL_MODE="start", WHEELS_ARCHIVE=""))
        gave_up(boots, machine, "image outdated: ")


@pytest.mark.parametrize(
    ("settings", "env", "reason"),
    [
        ({}, {"EFS_REFUSES": "yes"}, "mount refused: /mnt/scratch: mount.nfs4: access denied by server"),
        ({"INSTALL_SECONDS": "0.01"}, {}, "no end: the installation was not done within 0.01 s"),
    ],
)
def test_a_machine_that_cannot_start_its_agent(
    boots: Boots, tmp_path: Path, settings: dict[str, str], env: dict[str, str], reason: str
) -> None:
    with boots.machine(tmp_path, boots.prepared) as machine:
        machine.boot(boots.around.user_data(**settings), **env)
        gave_up(boots, machine, reason)
        assert not [call for call in machine.called("systemctl") if call.startswith("restart")]


def test_an_agent_that_cannot_run_ends_its_machine_once(boots: Boots, tmp_path: Path) -> None:
    unit = (ROOT / "worker_agent/boot/render-worker-failed.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    with boots.machine(tmp_path, boots.prepared) as machine:
        for name, text in settings_files(boots).items():
            machine.write(name, text)
        machine.write("/var/log/agent.log", 'it began\nAgentSettings: "FARM_X" is missing\n')
        machine.write("/opt/render-worker/give_up.sh", (ROOT / "worker_agent/boot/give_up.sh").read_text())
        machine.path("/opt/render-worker/give_up.sh").chmod(0o755)
        twice = f"{shlex.join(shlex.split(command))}; {shlex.join(shlex.split(command))}"
        machine.run("bash", "-c", twice)
        gave_up(boots, machine, "agent failed: AgentSettings:  FARM_X  is missing$")


def settings_files(boots: Boots) -> dict[str, str]:
    files = written_files(boots.around.user_data())
    return {path: text for path, text in files.items() if path.startswith("/etc/")}
