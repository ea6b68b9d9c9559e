"""How the benchmark runs the peer: a program in its place tells what it was given."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.render.peer import Peer
from bench.render.scenes import SCENES, ReadyScene, with_frames

_SAYS_ITS_ENVIRONMENT = """#!{python}
import os, pathlib, sys
given = dict(each.split("=", 1) for each in sys.argv if "=" in each)
for frame in (1, 2):
    pathlib.Path(given["OutputDir"], f"Layer_frame_000{{frame}}.png").touch()
for name, value in os.environ.items():
    print(f"{{name}}={{value}}")
"""


@pytest.mark.parametrize("set_to", [None, "false"])
def test_the_peer_tells_its_makers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_to: str | None
) -> None:
    if set_to:
        monkeypatch.setenv("DEADLINE_CLOUD_TELEMETRY_OPT_OUT", set_to)
    openjd = tmp_path / "peer/bin/openjd"
    openjd.parent.mkdir(parents=True)
    openjd.write_text(_SAYS_ITS_ENVIRONMENT.format(python=sys.executable))
    openjd.chmod(0o755)
    (scene,) = (with_frames(scene, 2) for scene in SCENES if scene.name == "trivial-peer")
    ready = ReadyScene(
        scene=scene, blender="/usr/bin/blender", blend=Path(), samples=1, scene_name="S", layer="Layer"
    )

    run = Peer(openjd=openjd, template=tmp_path / "template.yaml").render(ready, Path(), tmp_path / "out")

    said = (run.pictures / "openjd.log").read_text().splitlines()
    assert "DEADLINE_CLOUD_TELEMETRY_OPT_OUT=true" in said
    assert f"HOME={tmp_path / 'peer/home'}" in said
    assert sorted(path.name for path in run.pictures.glob("*.png")) == ["0001.png", "0002.png"]
