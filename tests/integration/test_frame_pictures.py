"""Frames that were saved scene-linear are shown as Blender itself shows them, whichever Blender it is."""

import io
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support import view_scenes
from tests.support.agent import output_checker
from tests.support.blender import SECONDS, start_session
from tests.support.runtimes import executable, series_5_2
from worker_agent.output_check import Pictures

BLENDERS: dict[str, Callable[[], object]] = {
    "4.5": lambda: sys.executable,
    "3.4": executable,
    "5.2": series_5_2,
}
WAYS = {
    "3.4": {"Standard", "Filmic", "Filmic_look", "transparent", "curves"},
    "4.5": set(view_scenes.WAYS),
    "5.2": set(view_scenes.WAYS),
}


def difference(one: Pictures, other: Pictures) -> tuple[float, float]:
    """Mean, and what 99 of 100 values stay below, of 255."""
    pictures = [Image.open(io.BytesIO(pictures.proxy)) for pictures in (one, other)]
    assert pictures[0].size == pictures[1].size == (40, 24)
    values = np.abs(np.subtract(*(np.asarray(picture).astype(int) for picture in pictures)))
    return float(values.mean()), float(np.percentile(values, 99))


@pytest.mark.parametrize("series", BLENDERS)
def test_linear_frames_look_like_the_png_that_blender_saves(series: str, tmp_path: Path) -> None:
    blender = str(BLENDERS[series]())
    assert set(view_scenes.make(tmp_path, blender)) == WAYS[series]
    made: dict[str, Pictures] = {}
    with start_session(tmp_path, blender) as session:
        assert Path(session.color_config).is_file()
        for blend in sorted(tmp_path.glob("*.blend")):
            session.open(blend, {}, SECONDS, for_bake=False)
            output = tmp_path / blend.stem
            (frame,) = session.render([1], output, SECONDS)
            shown = {"config": session.color_config, **asdict(session.color_view)}
            pictures = output_checker().check(frame, output, session.frame_outputs, shown)
            assert pictures, blend.stem
            made[blend.stem] = pictures
    for name, pictures in made.items():
        kind, way = name.split("_", 1)
        mean, most = difference(pictures, made[f"png_{way}"])
        if kind == "hdr":  # 8 bits of mantissa for three channels
            assert (mean, most) < (2, 8), name
        elif kind == "dpx":  # nothing in it is brighter than white
            assert mean < 3, name
        elif way != "curves":
            assert (mean < 0.5) and (most <= 5), (name, mean, most)
        expected = "The preview is without the curves" if (kind, way) == ("exr", "curves") else ""
        assert pictures.note.startswith(expected), name
        assert bool(pictures.note) == bool(expected), (name, pictures.note)
    views = [difference(made["png_Standard"], made[f"png_{way}"])[0] for way in ("Filmic", "Filmic_look")]
    assert min(views) > 5, "or this test could not fail"
