"""From a file on this computer to pictures on this computer, by `farm submit` and `farm download`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.job import JobState
from tests.e2e.laptop import LaptopFarm, a_farm
from tests.support.blender import same_picture
from tests.support.terminals import on_a_terminal

FRAMES = ("0001.png", "0002.png", "0003.png")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaptopFarm]:
    folder = tmp_path_factory.mktemp("laptop")
    with a_farm(folder, XDG_CACHE_HOME=str(folder / "cache")) as farm:
        yield farm


@pytest.fixture
def scattered(tmp_path: Path) -> Path:
    """A project with its files in folders outside each other, and its frames as they are at home."""
    folder = tmp_path / "project"
    folder.mkdir()
    program = Path(__file__).with_name("scattered_scene.py")
    subprocess.run([sys.executable, str(program), str(folder)], check=True, capture_output=True, timeout=120)
    return folder


def farm(laptop: LaptopFarm, *arguments: str) -> tuple[int, str, str]:
    """`farm …`: its exit status, and what it said on its two outputs."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "farm", *arguments],
        cwd=laptop.folder,
        env=laptop.env,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_scattered_project_renders_as_at_home_on_a_farm_that_has_none_of_it(
    laptop: LaptopFarm, scattered: Path, tmp_path: Path
) -> None:
    blend = scattered / "film ä/scene.blend"
    original = blend.read_bytes()
    code, said, notes = farm(laptop, "submit", str(blend), "--project", "films/ä b")
    assert blend.read_bytes() == original
    away = tmp_path / "moved away"
    scattered.rename(away)
    assert code == 0, notes
    job_id = said.strip()
    for words in ("UDIM image: 2", "image sequence: 3", "library: 1", "font: 1", "Alembic or USD cache: 1"):
        assert words in notes
    home = tmp_path / "frames"
    code, told, notes = farm(laptop, "download", job_id, str(home))
    assert (code, told) == (0, f"{home}\n"), notes
    job = laptop.farm.records.job(job_id)
    assert job
    assert (job.state, job.project, job.scene["missing_files"]) == (JobState.DONE, "films/ä b", [])
    for name in FRAMES:
        assert same_picture(home / name, away / "home" / name), name
    assert not same_picture(home / FRAMES[0], home / FRAMES[2]), "sequence and cache move"
    assert (home / "job.json").is_file()
    code, told, notes = farm(laptop, "download", job_id, str(home), "--json")
    assert code == 0, notes
    files = json.loads(told)["files"]
    assert {Path(file["path"]).name for file in files} >= {*FRAMES, "job.json"}
    assert [file["fetched_bytes"] for file in files] == [0] * len(files), "all of it was here"
    assert {file["checksum"] for file in files} == {"MD5"}


def test_what_is_missing_is_refused_before_it_is_sent(laptop: LaptopFarm, scattered: Path) -> None:
    (scattered / "tiles/wood.1002.png").unlink()
    shutil.rmtree(scattered / "library/maps")
    blend = str(scattered / "film ä/scene.blend")
    before = laptop.farm.records.latest_jobs(100)
    code, said, notes = farm(laptop, "submit", blend)
    assert (code, said) == (2, "")
    assert "2 things that the scene needs are missing" in notes
    assert 'UDIM image "wood.1001.png" (' in notes
    assert 'image "wood.png" (//../maps/wood.png; not there)' in notes
    assert laptop.farm.records.latest_jobs(100) == before
    code, said, notes = farm(laptop, "submit", blend, "--allow-missing", "--frames", "2", "--wait", "--json")
    assert code == 0, notes
    sent, ended = map(json.loads, said.splitlines())
    assert (ended["job_id"], ended["state"], len(sent["missing"])) == (sent["job_id"], "DONE", 2)


def test_on_a_terminal_from_the_file_to_the_frames(
    laptop: LaptopFarm, scattered: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-P", "-m", "farm", "submit", str(scattered / "film ä/scene.blend")]
    flags = ["--frames", "1,3", "--samples", "2", "--priority", "high", "--download", "--to", str(home)]
    with on_a_terminal([*command, *flags], laptop.env, laptop.folder) as terminal:
        code, said = terminal.wait(), terminal.said
    assert code == 0, said
    assert "uploading scene.zip" in said
    assert "━" in said, "a bar"
    assert "\x1b[" in said, "that moves"
    (job,) = laptop.farm.records.latest_jobs(1)
    assert job.job_id in said
    assert (job.state, job.options["priority"]) == (JobState.DONE, "high")
    assert f"{job.job_id} is done: 2 frames" in said
    assert sorted(path.name for path in home.glob("0*.png")) == ["0001.png", "0003.png"]
    assert str(home) in said.replace("\r\n", "")


def test_ctrl_c_while_it_renders_leaves_the_job_running(
    laptop: LaptopFarm, scene: Path, tmp_path: Path
) -> None:
    """A thousand frames are not done before the key is pressed, however quick the computer."""
    command = [sys.executable, "-P", "-m", "farm", "submit", str(scene), "--frames", "1-1000"]
    with on_a_terminal(
        [*command, "--wait", "--download", "--to", str(tmp_path)], laptop.env, laptop.folder
    ) as terminal:
        terminal.read_until(lambda said: "of 1,000 frames" in said)
        terminal.press_ctrl_c()
        assert terminal.wait() == 130, terminal.said
    (job,) = laptop.farm.records.latest_jobs(1)
    assert not job.state.ended, "it goes on"
    assert f"stopped watching {job.job_id}: it goes on" in terminal.said
    assert "Traceback" not in terminal.said
    assert farm(laptop, "cancel", job.job_id)[0] == 0


def test_without_a_terminal_the_id_is_all_that_is_on_standard_output(
    laptop: LaptopFarm, scene: Path, tmp_path: Path
) -> None:
    """Two files, one of which fails: the status says so, and its logs are here."""
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no archive")
    out = tmp_path / "out"
    code, said, notes = farm(
        laptop, "submit", str(scene), str(bad), "--frames", "1", "--download", "--to", str(out)
    )
    assert code == 1
    first, second = said.split()
    assert "\x1b" not in notes
    assert "scene.blend needs no other files" in notes
    assert (out / first / "0001.png").is_file()
    job = laptop.farm.records.job(second)
    assert job
    assert job.state is JobState.FAILED
    assert job.reason in notes


def test_what_makes_no_sense_is_said_before_anything_is_sent(laptop: LaptopFarm, scene: Path) -> None:
    for arguments, says in (
        ((str(scene), "nowhere.blend"), "nowhere.blend is no file"),
        ((str(scene), "--samples", "0"), "samples"),
        ((str(scene), "--blend", "film/shot.blend"), "is no archive"),
        ((str(scene), "--to", "x"), "--download"),
    ):
        code, said, notes = farm(laptop, "submit", *arguments)
        assert (code, said) == (2, ""), notes
        assert says in notes
