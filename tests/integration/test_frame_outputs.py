"""What real Blenders write, in every format and set-up, passes the check; what is damaged does not."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import output_scenes
from tests.support.agent import output_checker
from tests.support.blender import SECONDS, start_session
from tests.support.runtimes import executable, series_5_2
from worker_agent.blender import FrameOutputs, RenderedFrame
from worker_agent.output_check import InvalidOutput

Rendered = dict[str, tuple[Path, RenderedFrame, FrameOutputs]]
BLENDERS: dict[str, Callable[[], object]] = {
    "4.5": lambda: sys.executable,
    "3.4": executable,
    "5.2": series_5_2,
}
NO_CHECKSUMS = {"bmp", "cineon", "dpx_10", "dpx_16", "exr_none", "exr_piz", "exr_htj2k", "exr_dwaa"}
NO_CHECKSUMS |= {"targa", "targa_raw", "tiff_raw", "tiff_8", "tiff_16", "webp"}
"""A tail of zeros may be dark pixels there."""


@pytest.fixture(scope="module", params=BLENDERS)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rendered]:
    """Frame 1 of every scene, in one Blender after the other."""
    blender = str(BLENDERS[request.param]())
    folder = tmp_path_factory.mktemp("outputs")
    frames: Rendered = {}
    with start_session(folder, blender) as session:
        for name in output_scenes.make(folder, blender):
            session.open(folder / f"{name}.blend", {}, SECONDS, for_bake=False)
            (frame,) = session.render([1], folder / name, SECONDS)
            frames[name] = folder / name, frame, session.frame_outputs
    yield frames


def test_every_frame_passes(rendered: Rendered) -> None:
    alarms = {}
    for name, (output, frame, outputs) in rendered.items():
        try:
            output_checker().check(frame, output, outputs)
        except InvalidOutput as error:
            alarms[name] = error.reason
    assert alarms == {}
    assert len(rendered) > 50


def test_what_is_certain_is_demanded(rendered: Rendered) -> None:
    def main(name: str) -> tuple[tuple[str, ...], tuple[int, int]]:
        picture = rendered[name][2].main
        return picture.suffixes, (picture.width, picture.height)

    assert main("png_16") == (("",), (160, 128))
    assert main("percentage") == (("",), (33, 22))
    assert main("crop") == (("",), (26, 14))
    assert main("stereo_sidebyside") == (("",), (80, 24))
    assert main("stereo_topbottom_squeezed") == (("",), (40, 24))
    assert main("multiview") == ((".._.x_far", "_L", "_R"), (26, 14))
    assert main("multiview_exr") == (("",), (40, 24))
    nodes = [(item.folder, item.stem, item.count) for item in rendered["nodes"][2].node_files]
    assert nodes == [
        ("Passes", "beauty", 1),
        ("Passes", "sub/blur_###_x", 1),
        ("Passes", "depth#", 1),
        ("JPEGs", "a", 1),
    ]
    assert [item.count for item in rendered["nodes_stereo"][2].node_files] == [2]
    for name in ("nodes_off", "nodes_unused", "nodes_behind_the_sequencer"):
        assert rendered[name][2].node_files == ()


def test_no_file_that_is_demanded_may_be_missing(rendered: Rendered) -> None:
    lost = ("multiview", "nodes", "nodes_stereo", "nodes_multilayer", "nodes_of_one_name")
    for name in lost:
        output, frame, outputs = rendered[name]
        certain = [file for file in frame.files if not file.startswith("Passes/muted")]
        for gone in certain:
            left = replace(frame, files=tuple(file for file in frame.files if file != gone))
            with pytest.raises(InvalidOutput, match=r"missing|not written again") as caught:
                output_checker().check(left, output, outputs)
            assert caught.value.code == "invalid_output"


def test_damage_is_seen_in_every_format(rendered: Rendered, tmp_path: Path) -> None:
    unseen = []
    for name, (output, frame, outputs) in rendered.items():
        if name.startswith(("nodes", "composited", "stereo", "border", "crop", "sequencer")):
            continue
        whole = (output / frame.files[0]).read_bytes()
        half, most = len(whole) // 2, len(whole) * 9 // 10
        damaged = {f"{count} bytes": whole[:count] for count in (0, 1, 20, len(whole) // 10, half, most)} | {
            "zeros": bytes(len(whole))
        }
        if name not in NO_CHECKSUMS and len(frame.files) == 1:
            damaged["half of zeros"] = whole[:half] + bytes(len(whole) - half)
        for what, data in damaged.items():
            for file in frame.files:
                (tmp_path / file).write_bytes(whole)
            (tmp_path / frame.files[0]).write_bytes(data)
            try:
                output_checker().check(frame, tmp_path, outputs)
            except InvalidOutput as error:
                assert frame.files[0] in error.reason, error.reason
                assert str(tmp_path) not in error.reason, error.reason
            else:
                unseen.append((name, what))
    assert unseen == []


def test_another_size_depth_or_format_than_asked_is_seen(rendered: Rendered) -> None:
    output, frame, outputs = rendered["png_16"]
    for change, says in (
        ({"width": 320}, "has 160×128 pixels instead of 320×128"),
        ({"color_depth": 8}, "has 16 bits a channel instead of 8"),
        ({"file_format": "OPEN_EXR"}, "is called PNG, but the scene asks for OpenEXR"),
    ):
        asked = replace(outputs, main=replace(outputs.main, **change))
        with pytest.raises(InvalidOutput) as caught:
            output_checker().check(frame, output, asked)
        assert says in caught.value.reason
    output, frame, outputs = rendered["exr_zip"]
    layered = replace(outputs, main=replace(outputs.main, multilayer=True))
    with pytest.raises(InvalidOutput, match="has no layers"):
        output_checker().check(frame, output, layered)
