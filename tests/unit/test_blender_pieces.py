"""The parts of the Blender session that need no Blender."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from worker_agent.blender import (
    ColorView,
    FrameOutputs,
    MainPicture,
    MissingFile,
    NodeFile,
    Runtime,
    SceneInFile,
    SceneReport,
    Simulation,
)
from worker_agent.blender.inside.files import OutputWatch
from worker_agent.blender.inside.frames import main_stem, runs
from worker_agent.blender.inside.names import safe_name, safe_path, unique
from worker_agent.blender.log_file import MAX_LOG_BYTES, LogFile

REPORT = SceneReport(
    runtime_version="4.5.15",
    file_version="4.5",
    scene="Scène",
    frame_start=1,
    frame_end=24,
    frame_step=2,
    fps=23.976,
    engine="CYCLES",
    file_format="PNG",
    extension=".png",
    width=320,
    height=180,
    camera=None,
    simulations=(Simulation("cloth", "Sheet", False, 1, 250),),
    scenes=(SceneInFile("Scène", 1, 24, 2, "LUXCORE", "FFMPEG", None),),
    missing_files=(MissingFile("image", "Wood", "//wood.png", ""),),
    missing_file_count=7,
    frame_outputs=FrameOutputs(
        main=MainPicture(("_L", "_R"), ".exr", "OPEN_EXR_MULTILAYER", 16, True, 320, 180),
        node_files=(NodeFile("Passes", "Passes", "depth_###", 2),),
    ),
    color_view=ColorView("scene_linear", "sRGB", "AgX", "AgX - Punchy", -0.5, 1.0, False, True),
    notes=("a note",),
)


def test_a_report_survives_json() -> None:
    assert SceneReport.from_json(json.loads(json.dumps(REPORT.to_json()))) == REPORT
    with pytest.raises(KeyError):
        SceneReport.from_json({"scene": "x"})


@pytest.mark.parametrize(
    "lie",
    [
        {"missing_file_count": "7"},
        {"missing_files": [{"kind": "image", "name": 7, "path": "", "detail": ""}]},
        {"scenes": 3},
        {"frame_outputs": asdict(REPORT.frame_outputs) | {"node_files": [7]}},
        {"frame_outputs": {"main": asdict(REPORT.frame_outputs.main) | {"width": "1"}, "node_files": []}},
        {"color_view": asdict(REPORT.color_view) | {"exposure": "dark"}},
        {"notes": [None]},
        {"camera": ["Camera"]},
        {"simulations": [asdict(REPORT.simulations[0]) | {"ready": "no"}]},
    ],
)
def test_a_report_of_other_kinds_of_values_is_none(lie: dict[str, object]) -> None:
    """It comes from a process that has read a stranger's file."""
    with pytest.raises(TypeError):
        SceneReport.from_json(REPORT.to_json() | lie)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], []),
        ([7], [(7, 7, 1)]),
        ([1, 2, 3], [(1, 3, 1)]),
        ([1, 3, 5, 6, 7], [(1, 5, 2), (6, 7, 1)]),
        ([5, 2, 6, 1], [(5, 5, 1), (2, 6, 4), (1, 1, 1)]),
        ([3, 3], [(3, 3, 1), (3, 3, 1)]),
        ([3, 2, 1], [(3, 3, 1), (2, 2, 1), (1, 1, 1)]),
    ],
)
def test_runs_keep_order_and_frames(frames: list[int], expected: list[tuple[int, int, int]]) -> None:
    assert list(runs(frames)) == expected
    assert [frame for first, last, step in runs(frames) for frame in range(first, last + 1, step)] == frames


def test_frame_numbers_as_blender_writes_them() -> None:
    assert [main_stem(frame) for frame in (0, 7, 12345)] == ["0000", "0007", "12345"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Image", "Image"),
        ("passes/depth_####", "passes/depth_####"),
        ("../../etc/passwd", "etc/passwd"),
        ("/absolute/a", "absolute/a"),
        ("//relative/../a", "relative/a"),
        ("Z:\\show\\a", "Z_/show/a"),
        ("..", ""),
        ("a/./b/..", "a/b"),
        ("{blend_dir}/x%20\0", "_blend_dir_/x_20_"),
    ],
)
def test_paths_stay_below_their_folder(path: str, expected: str) -> None:
    assert safe_path(path) == expected


def test_folders_of_nodes_are_told_apart() -> None:
    used: set[str] = set()
    names = [unique(safe_name(name), used) for name in ("Out", "out", "..", "0001.png", "0001_L.exr")]
    assert names == ["Out", "out 2", "File Output", "node 0001.png", "node 0001_L.exr"]


def test_new_and_rewritten_files_are_a_frames_own(tmp_path: Path) -> None:
    (tmp_path / "0001.png").write_bytes(b"old")
    watch = OutputWatch(tmp_path)
    assert watch.new_files("0001") == []
    (tmp_path / "Depth").mkdir()
    (tmp_path / "Depth/0001.exr").write_bytes(b"x")
    (tmp_path / "0001.png").write_bytes(b"newer")
    (tmp_path / "empty.png").touch()
    assert watch.new_files("0001") == ["0001.png", "Depth/0001.exr"]
    (tmp_path / "0001.png").unlink()
    assert watch.new_files("0002") == []


def test_a_log_is_cut_per_frame_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before")
    log = LogFile(path)
    with path.open("a") as file:
        file.write("frame one|frame two")
    assert log.since_mark(len("beforeframe one|")) == "frame one|"
    assert log.since_mark() == "frame two"
    with path.open("a") as file:
        file.write("A" + "x" * 3 * MAX_LOG_BYTES + "Z")
    long = log.since_mark()
    assert long.startswith("A")
    assert long.endswith("Z")
    assert "bytes left out" in long
    assert len(long) < MAX_LOG_BYTES + 100
    assert len(log.tail()) == MAX_LOG_BYTES
    assert LogFile(tmp_path / "none").tail() == ""


def test_a_runtime_is_told_by_its_name(tmp_path: Path) -> None:
    script = Path("/x/session.py")
    python = Runtime.of(tmp_path / "bin/python3.11").argv(script, (5, 6))
    assert python[1:] == ["-I", "-B", "/x/session.py", "5", "6"]
    blender = Runtime.of(tmp_path / "blender").argv(script, (5, 6))
    assert blender.index("--python-exit-code") < blender.index("--python")
    assert blender[-3:] == ["--", "5", "6"]
