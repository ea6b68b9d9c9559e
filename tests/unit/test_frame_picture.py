"""The small pictures of a frame, as its decoder makes them: of every kind of file, and of hostile ones."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.preview import shown_by_agx
from tests.support.agent import output_checker
from tests.support.obedient_blender import REPORT
from tests.support.picture_files import gradient, jpeg_pixels, jpeg_size, write
from tests.support.pictures import png
from worker_agent.blender import RenderedFrame
from worker_agent.output_check import InvalidOutput, OutputChecker, Pictures

PLAIN = {
    "config": "",
    "stored_in": "",
    "display": "sRGB",
    "view": "Standard",
    "look": "None",
    "exposure": 0.0,
    "gamma": 1.0,
    "curves": False,
    "white_balance": False,
}
LINEAR = {**PLAIN, "stored_in": "scene_linear"}
FORMATS = {".png": "PNG", ".exr": "OPEN_EXR", ".tif": "TIFF", ".jpg": "JPEG", ".tga": "TARGA"}


def check(path: Path, shown: dict[str, Any] | None, checker: OutputChecker | None = None) -> Pictures | None:
    main = replace(
        REPORT.frame_outputs.main,
        width=0,
        height=0,
        color_depth=0,
        extension=path.suffix,
        file_format=FORMATS[path.suffix],
    )
    outputs = replace(REPORT.frame_outputs, main=main)
    frame = RenderedFrame(frame=1, seconds=1.0, files=(path.name,), log="")
    return (checker or output_checker()).check(frame, path.parent, outputs, shown)


def pictures(path: Path, shown: dict[str, Any] = PLAIN) -> Pictures:
    made = check(path, shown)
    assert made
    return made


@pytest.mark.parametrize(
    ("size", "proxy", "thumbnail"),
    [
        ((2048, 1080), (1280, 675), (192, 101)),
        ((1081, 1921), (720, 1280), (108, 192)),
        ((1280, 720), (1280, 720), (192, 108)),
        ((33, 17), (33, 17), (33, 17)),
        ((1, 1), (1, 1), (1, 1)),
        ((1, 4000), (1, 1280), (1, 192)),
        ((9001, 3), (1280, 1), (192, 1)),
    ],
)
def test_sizes(
    tmp_path: Path, size: tuple[int, int], proxy: tuple[int, int], thumbnail: tuple[int, int]
) -> None:
    made = pictures(write(tmp_path / "0001.exr", gradient(*size)), LINEAR)
    assert (jpeg_size(made.proxy), jpeg_size(made.thumbnail)) == (proxy, thumbnail)
    assert len(made.thumbnail) <= 6_000
    if min(size) > 1:
        pixels = jpeg_pixels(made.proxy)
        assert pixels[0, 0, 0] < 90 and pixels[0, -1, 0] > 150, "red grows to the right, to the last column"


def test_a_thumbnail_of_noise_is_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).random((300, 400, 3), np.float32)
    assert len(pictures(write(tmp_path / "0001.png", noise, "uint8")).thumbnail) < 9_000


def test_a_huge_frame_is_shrunk_as_it_comes(tmp_path: Path) -> None:
    """30,000 pixels wide: its rows are averaged in whole steps, to the last one."""
    pixels = np.zeros((131, 30_000, 3), np.uint8)
    pixels[:, :15_000, 0] = 200
    pixels[100:, :, 2] = 255
    checker = OutputChecker()
    try:
        made = check(write(tmp_path / "0001.png", pixels, "uint8"), PLAIN, checker)
        status = Path(f"/proc/{checker.pid}/status").read_text()
    finally:
        checker.close()
    assert made
    shown = jpeg_pixels(made.proxy)
    assert shown.shape == (6, 1280, 3)
    assert abs(shown[1, 100] - [200, 0, 0]).max() < 12
    assert abs(shown[-1, -1] - [0, 0, 255]).max() < 30
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert peak < 450_000, "kilobytes"


@pytest.mark.parametrize(
    ("kind", "suffix", "tolerance"),
    [
        ("uint8", ".png", 3),
        ("uint16", ".png", 3),
        ("uint8", ".tif", 3),
        ("uint16", ".tif", 3),
        ("uint8", ".tga", 3),
    ],
)
def test_what_is_shown_already_stays(tmp_path: Path, kind: str, suffix: str, tolerance: int) -> None:
    path = write(tmp_path / f"0001{suffix}", gradient(64, 48), kind)
    wanted = np.rint(gradient(64, 48) * 255)
    assert abs(jpeg_pixels(pictures(path).proxy) - wanted).mean() < tolerance


def test_linear_colours_are_shown_in_srgb_without_a_view_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "0001.exr", np.full((8, 8, 3), 0.18, np.float32))
    made = pictures(path, {**LINEAR, "config": str(tmp_path / "none.ocio"), "view": "AgX"})
    assert abs(jpeg_pixels(made.proxy) - 118).max() <= 2
    assert made.note.startswith('The preview is in plain sRGB, without the view transform "AgX"')


def test_a_view_shows_the_same_with_and_without_alpha(tmp_path: Path) -> None:
    """With alpha that hides something it is computed in another way."""
    for view in ("AgX", "Filmic", "Standard"):
        shown = {**shown_by_agx(), "view": view}
        pixels = gradient(64, 48, 4) * 3
        pixels[:, :, 3] = 1
        opaque = pictures(write(tmp_path / "0001.exr", pixels), shown)
        pixels[20, 30, 3] = 0.5
        hiding = pictures(write(tmp_path / "0001.exr", pixels), shown)
        without = pictures(write(tmp_path / "0001.exr", pixels[:, :, :3]), shown)
        assert opaque.note == hiding.note == without.note == ""
        rows = [jpeg_pixels(made.proxy)[32:] for made in (opaque, hiding, without)]
        assert rows[0].max() > 150, "something is there"
        assert max(abs(rows[0] - other).max() for other in rows[1:]) <= 2, view


def test_transparency_is_over_dark_grey(tmp_path: Path) -> None:
    clear = gradient(32, 32, 4)
    clear[:, :16] = 0
    clear[:, 16:] = (0.5, 0.5, 0.5, 1)
    for path in (
        write(tmp_path / "0001.exr", clear),
        write(tmp_path / "0001.png", clear, "uint8"),
        write(tmp_path / "0001.tga", clear, "uint8"),
    ):
        shown = jpeg_pixels(pictures(path, LINEAR if path.suffix == ".exr" else PLAIN).proxy)
        assert abs(shown[:, :14] - 64).max() <= 3, path
        assert abs(shown[:, 18:] - (188 if path.suffix == ".exr" else 128)).max() <= 3, path


def test_alpha_that_hides_nothing_changes_nothing(tmp_path: Path) -> None:
    """Most frames are so, and then nothing is computed: as with the rows below of a frame that hides some."""
    opaque = gradient(64, 48, 4)
    opaque[:, :, 3] = 1
    shown = jpeg_pixels(pictures(write(tmp_path / "0001.png", opaque, "uint8")).proxy)
    assert abs(shown - np.rint(opaque[:, :, :3] * 255)).mean() < 3
    opaque[20, 30, 3] = 0
    computed = jpeg_pixels(pictures(write(tmp_path / "0001.png", opaque, "uint8")).proxy)
    assert abs(computed[32:] - shown[32:]).max() <= 2


def test_black_and_white(tmp_path: Path) -> None:
    grey = gradient(32, 32)[:, :, :1]
    for path in (
        write(tmp_path / "0001.png", grey, "uint8"),
        write(tmp_path / "0001.tif", grey, "uint16"),
        write(tmp_path / "0001.exr", grey, names=["Y"]),
    ):
        shown = jpeg_pixels(pictures(path).proxy)
        assert abs(shown - np.rint(grey * 255)).max() <= 4, path


def test_of_many_layers_the_composited_pass_is_shown(tmp_path: Path) -> None:
    names = [
        f"{layer}.{c}"
        for layer in ("ViewLayer.Depth", "ViewLayer.Combined", "Composite.Combined")
        for c in "RGBA"
    ]
    pixels = np.ones((8, 8, 12), np.float32)
    pixels[:, :, :8] = 0.1
    for chosen, count in ((1.0, 12), (0.1, 8)):
        path = write(tmp_path / "0001.exr", pixels[:, :, :count], names=names[:count])
        shown = jpeg_pixels(pictures(path).proxy)  # as it is
        alpha = chosen
        assert abs(shown - round(255 * (chosen + 0.25 * (1 - alpha)))).max() <= 2


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("view", ["none", "AgX"])
def test_numbers_that_are_none_do_no_harm(tmp_path: Path, view: str, channels: int) -> None:
    pixels = np.full((32, 32, channels), 0.2, np.float32)
    pixels[:8, :, :3], pixels[8:16], pixels[16:24, :, :3] = np.inf, np.nan, -np.inf
    pixels[24:, :, 3:] = 1
    shown = LINEAR if view == "none" else {**shown_by_agx(), "view": view}
    found = jpeg_pixels(pictures(write(tmp_path / "0001.exr", pixels, "float"), shown).proxy)
    bright, nothing, dark = (found[top : top + 4].mean() for top in (2, 10, 18))
    assert bright > 100 > 70 > max(nothing, dark)


def test_of_a_file_that_is_refused_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "0001.png"
    for content in (png(32, 32)[:60], png(60_000, 60_000, b""), b"Traceback"):
        path.write_bytes(content)
        with pytest.raises(InvalidOutput):
            check(path, PLAIN)
    path.write_bytes(png(32, 32))
    assert check(path, None) is None, "nobody has asked"
    assert check(path, PLAIN), "and the decoder lives"


@pytest.fixture
def checkers() -> Iterator[list[OutputChecker]]:
    made: list[OutputChecker] = []
    yield made
    for checker in made:
        checker.close()


SIZES = {"width": 32, "height": 32, "whole_width": 32, "whole_height": 32}
CHECKED = {"event": "checked", "parts": [{**SIZES, "bits": 8, "layers": False}], "too_large": False}


@pytest.mark.parametrize(
    "does",
    [
        "os.abort()",
        "time.sleep(60)",
        {"pictures": {"thumbnail": "AAAA", "proxy": "/w=="}},
        {"pictures": {"thumbnail": 7}},
        {"pictures": 7},
        {"pictures": {"problem": "\x1b[2J"}},
        {},
    ],
)
def test_a_decoder_that_fails_at_the_pictures_costs_no_frame(
    tmp_path: Path, checkers: list[OutputChecker], does: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "0001.png").write_bytes(png(32, 32))
    step = does if isinstance(does, str) else f"print({json.dumps({**CHECKED, **does})!r}, flush=True)"
    program = (
        "import os, sys, time\n"
        'print(\'{"event": "ready"}\', flush=True)\n'
        "for line in sys.stdin:\n"
        f"    if '\"shown\"' in line: {step}\n"
        f"    else: print({json.dumps(CHECKED)!r}, flush=True)\n"
    )
    checkers.append(OutputChecker(command=(sys.executable, "-c", program), file_seconds_limit=0.5))
    with caplog.at_level(logging.WARNING):
        assert check(tmp_path / "0001.png", PLAIN, checkers[0]) is None
    assert "0001.png" in caplog.text
    assert "\x1b" not in caplog.text


def test_a_picture_of_pillows_is_shown_too(tmp_path: Path) -> None:
    Image.fromarray(np.rint(gradient(64, 48) * 255).astype(np.uint8)).save(tmp_path / "0001.jpg", quality=95)
    shown = jpeg_pixels(pictures(tmp_path / "0001.jpg").proxy)
    assert abs(shown - np.rint(gradient(64, 48) * 255)).mean() < 3
