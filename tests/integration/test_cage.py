"""The cage around Blender: what a hostile scene gets out of it, and that others render in it as ever."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image

from contract.cage.probe import CageUnavailableError, offered_options
from contract.runtimes import RuntimeSpec
from tests.support.blender import SECONDS, copied_scene, render, same_picture
from tests.support.blender_children import run_in_blender
from tests.support.hostile_scene import ATTEMPTS, SPOIL, Targets
from tests.support.runtimes import run_script
from worker_agent.blender import BlenderDied, BlenderSession, Runtime, SceneRejected
from worker_agent.cage import Bars, Hatch, Limits
from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.scene_sessions import SceneSessions

MEGABYTE = 1024**2
LIMITS = Limits(processes=60, file_bytes=64 * MEGABYTE)
SECRET = "what the agent has in its environment"


class _Metadata(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"iam/")

    def log_message(self, *_: object) -> None:
        pass


def _answer_once(server: socket.socket) -> None:
    with server:
        server.settimeout(SECONDS)
        try:
            _, sender = server.recvfrom(100)
        except OSError:
            return
        server.sendto(b"answer", sender)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blend = tmp_path_factory.mktemp("hostile") / "hostile.blend"
    run_in_blender("tests.support.hostile_scene", str(blend))
    return blend


class Stage:
    """A machine with everything on it that a scene should not get at, and a job's folders."""

    def __init__(self, folder: Path, hostile: Path, closing: ExitStack) -> None:
        self.folder = folder
        self.project = folder / "scratch/jobs/job-1/baked-1"
        self.frames = folder / "work/session/frames"
        self.home = folder / "work/session/home"
        other = folder / "scratch/jobs/job-2"
        for place in (self.project, self.frames, self.home, other, folder / ".aws"):
            place.mkdir(parents=True)
        self.blend = self.project / "hostile.blend"
        self.blend.write_bytes(hostile.read_bytes())
        (other / "scene.blend").write_text("another's")
        (folder / ".aws/credentials").write_text(SECRET)
        (folder / "program.py").write_text("farm")
        shared = Path("/dev/shm") / f"farm-cage-{os.getpid()}"
        shared.write_text("the agent's")
        closing.callback(shared.unlink)
        metadata = ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
        threading.Thread(target=metadata.serve_forever, daemon=True).start()
        closing.callback(metadata.server_close)
        closing.callback(metadata.shutdown)
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(("127.0.0.1", 0))
        dns_port = names.getsockname()[1]
        answering = threading.Thread(target=_answer_once, args=(names,), daemon=True)
        answering.start()
        abstract = closing.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0farm-cage-{os.getpid()}")
        abstract.listen()
        Targets(
            metadata=f"http://127.0.0.1:{metadata.server_address[1]}",
            abstract_socket=f"farm-cage-{os.getpid()}",
            dns_port=dns_port,
            secret=SECRET,
            credentials=str(folder / ".aws/credentials"),
            other_job=str(other / "scene.blend"),
            outside=str(folder / "work/was-here"),
            program=str(folder / "program.py"),
            root_folder=f"/farm-cage-{os.getpid()}",
            agent_pid=os.getpid(),
            shared_memory=shared.name,
            filling_megabytes=300,
            memory_bytes=4 * LIMITS.most_memory_bytes,
            forks=150,
            processes=LIMITS.processes,
        ).write(self.project)

    def session(self, bars: Bars | None) -> BlenderSession:
        return BlenderSession.start(
            runtime=Runtime.of(sys.executable),
            workdir=self.home,
            log_path=self.home.parent / "blender.log",
            start_timeout_seconds=SECONDS,
            bars=bars,
        )

    @property
    def bars(self) -> Bars:
        return Bars(
            offered=offered_options(), readable=(self.project,), writable=(self.frames,), limits=LIMITS
        )

    @property
    def spare_bars(self) -> Bars:
        """Of a Blender that is shown its project later."""
        hatch = Hatch(place=self.home.parent / "shown", inside=self.folder / "scratch")
        hatch.place.mkdir()
        return replace(self.bars, readable=(), hatch=hatch)

    def attempts(self) -> dict[str, str]:
        told: dict[str, str] = json.loads((self.home / ATTEMPTS).read_text())
        if not (self.folder / "work/was-here").exists():
            # these tests lie below /tmp, and there a cage has memory of its own under the same name
            told["write beside"] = "failed: nothing is there"
        return told


@pytest.fixture
def stage(tmp_path: Path, hostile: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with ExitStack() as closing:
        yield Stage(tmp_path, hostile, closing)


@pytest.mark.parametrize("spare", [False, True])
def test_a_hostile_scene_fails_at_everything_and_renders(stage: Stage, spare: bool) -> None:
    with stage.session(stage.spare_bars if spare else stage.bars) as session:
        session.show(stage.project, stage.project)
        session.open(stage.blend, {}, SECONDS, scripts=True)
        (frame,) = render(session, [1], stage.frames)
    attempts = stage.attempts()
    assert len(attempts) > 20
    assert {name: said for name, said in attempts.items() if not said.startswith("failed: ")} == {}
    with Image.open(stage.frames / frame.files[0]) as picture:
        assert picture.size == (32, 32)


def test_the_same_scene_without_a_cage_gets_nearly_all(stage: Stage) -> None:
    """What the test above shows is the cage's doing."""
    with stage.session(None) as session:
        session.open(stage.blend, {}, SECONDS, scripts=True)
    attempts = stage.attempts()
    failed = {name: said for name, said in attempts.items() if said != "succeeded"}
    assert len(failed) <= len(attempts) / 4, failed


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    blend = tmp_path_factory.mktemp("scripted") / "scripted.blend"
    run_in_blender("tests.support.scripted_scene", str(blend))
    return blend


def test_a_rig_that_needs_python_renders_right(scripted: Path, stage: Stage) -> None:
    """Its driver lifts the cube by `self`; with scripts off Blender takes that for 0 and says nothing."""
    blend = stage.project / "scripted.blend"
    blend.write_bytes(scripted.read_bytes())
    with stage.session(stage.bars) as session:
        report = session.open(blend, {}, SECONDS, scripts=True)
        render(session, [3], stage.frames)
    assert report.frame_end == 9, "its registered text has run"
    shown = stage.folder / "shown"
    shown.mkdir()
    run_script(sys.executable, _as_an_artist_sees_it(stage.folder), str(blend), str(shown / "0003.png"))
    assert same_picture(stage.frames / "0003.png", shown / "0003.png")
    run_script(sys.executable, _as_an_artist_sees_it(stage.folder), str(blend), str(shown / "off.png"), "off")
    assert not same_picture(stage.frames / "0003.png", shown / "off.png"), "or this shows nothing"


def test_a_job_may_say_no_to_its_scripts(scripted: Path, stage: Stage) -> None:
    blend = stage.project / "scripted.blend"
    blend.write_bytes(scripted.read_bytes())
    with stage.session(stage.bars) as session, pytest.raises(SceneRejected, match=r"longer\.py") as caught:
        session.open(blend, {}, SECONDS)
    assert caught.value.code == "needs_scripts"
    assert "allow_scripts=no" in caught.value.reason


def _as_an_artist_sees_it(folder: Path) -> Path:
    script = folder / "show.py"
    script.write_text(
        "import bpy, sys, os\n"
        "blend, picture, *off = sys.argv[sys.argv[0].endswith('.py'):]\n"
        "bpy.context.preferences.filepaths.use_scripts_auto_execute = not off\n"
        "bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=not off)\n"
        "bpy.context.scene.frame_set(3)\n"
        "bpy.context.scene.render.filepath = picture\n"
        "bpy.ops.render.render(write_still=True)\n"
        "sys.stdout.flush(); os._exit(0)\n"
    )
    return script


@pytest.mark.parametrize(
    ("program", "limits", "words"),
    [
        (
            "import os\n"
            "for n in range(60):\n"
            "    with open(f'{os.environ[\"HOME\"]}/{n}', 'wb') as file:\n"
            "        file.write(bytes(2**20))",
            Limits(written_bytes=20 * MEGABYTE),
            "it wrote more than 20 MiB",
        ),
        (
            "import mmap\nkept = mmap.mmap(-1, 900 * 2**20)\nfor page in range(0, len(kept), 4096):\n"
            "    kept[page] = 1",
            Limits(memory_bytes=600 * MEGABYTE),
            "it took more than 600 MiB of memory",
        ),
    ],
)
def test_what_is_used_up_without_end_has_an_end(
    stage: Stage, program: str, limits: Limits, words: str
) -> None:
    """A text that does it, in ways that no limit of the kernel's meets, and then waits."""
    blend = stage.project / "greedy.blend"
    run_in_blender("tests.support.greedy_scene", str(blend), program)
    bars = replace(stage.bars, limits=limits)
    with stage.session(bars) as session, pytest.raises(BlenderDied) as caught:
        session.open(blend, {}, SECONDS, scripts=True)
    assert (caught.value.code, words in caught.value.reason) == ("over_limit", True), caught.value.reason


def test_what_a_scene_leaves_behind_holds_up_no_other_job(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    run_in_blender("tests.support.hostile_scene", str(project / "spoiling.blend"), SPOIL)
    copied_scene("plain", project)
    here = RuntimeSpec(version=version("bpy"), path=sys.executable)
    sessions = SceneSessions(
        BlenderShelf([here], tmp_path / "shelf"), tmp_path / "work", cage=offered_options()
    )
    with sessions.fresh(here, project=project, changes_it=False) as session:
        session.open(project / "spoiling.blend", {}, SECONDS, scripts=True)
        (cell,) = (tmp_path / "work/session").iterdir()
        assert (cell / "frames").stat().st_mode & 0o777 == 0, "or this shows nothing"
        assert (cell / "home/nested/nested").is_dir()
    with sessions.fresh(here, project=project, changes_it=False) as session:
        session.open(project / "plain.blend", {}, SECONDS)
        folder = sessions.frames_folder()
        (frame,) = render(session, [1], folder)
        assert (folder / frame.files[0]).stat().st_size
        assert not cell.exists()


def test_where_there_is_no_bubblewrap_the_reason_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        CageUnavailableError, match=r"no-such-bwrap is not on this machine: install bubblewrap"
    ):
        offered_options("no-such-bwrap")
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\n[ $1 = --help ] && exit 0\necho 'no permission for namespaces' >&2; exit 1\n"
    )
    broken.chmod(0o755)
    with pytest.raises(CageUnavailableError, match="no permission for namespaces"):
        offered_options(str(broken))
