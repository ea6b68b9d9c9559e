"""The peer: `openjd run` of deadline-cloud-for-blender's template, in an environment of its own.

Its packages need another boto3 than the farm's: they are installed beside it, once, as peer-requirements.txt
pins them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.render.blender import BenchError, wait_for
from bench.render.contenders import PEER
from bench.render.run import Run
from bench.render.scenes import ReadyScene

_REQUIREMENTS: Final = Path(__file__).parent / "peer-requirements.txt"
_TEMPLATE: Final = (
    "deadline/blender_submitter/addons/deadline_cloud_blender_submitter/default_blender_template.yaml"
)
_SAYS_NOTHING: Final = {"DEADLINE_CLOUD_TELEMETRY_OPT_OUT": "true"}
"""Its library tells its makers of each run otherwise: nothing leaves this machine."""
_NAME: Final = "frame_####"
"""With nothing before its signs it would be a remark in the template's YAML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    openjd: Path
    template: Path

    def render(self, ready: ReadyScene, blend: Path, folder: Path) -> Run:
        """All frames, one task each, in one session: Blender is started once. Raises BenchError."""
        folder.mkdir(parents=True)
        frames = ready.scene.frames
        parameters = {
            "BlenderFile": str(blend),
            "RenderScene": ready.scene_name,
            "ViewLayer": ready.layer,
            "Frames": f"1-{frames}",
            "OutputDir": str(folder),
            "OutputFileName": _NAME,
        }
        command = [str(self.openjd), "run", str(self.template), "--step", "RenderBlender"]
        for name, value in parameters.items():
            command += ["-p", f"{name}={value}"]
        started = time.time()
        processor = wait_for(command, folder / "openjd.log", env=self._environment(ready.blender))
        ended = [_take(folder, ready.layer, frame) for frame in range(1, frames + 1)]
        return Run(
            contender=PEER,
            frames=frames,
            seconds=max(ended) - started,
            frames_seconds=max(ended) - started,
            blender_seconds=0.0,
            processor={"openjd and Blender": processor},
            pictures=folder,
        )

    def _environment(self, blender: str) -> dict[str, str]:
        places = (self.openjd.parent, Path(blender).parent, os.environ.get("PATH", os.defpath))
        home = self.openjd.parents[1] / "home"  # it writes settings of its own there
        home.mkdir(exist_ok=True)
        own = {"HOME": str(home), "PATH": os.pathsep.join(map(str, places))}
        return {**os.environ, **own, **_SAYS_NOTHING}


def install(folder: Path) -> Peer:
    """The peer in this folder, installed if it is not there. Raises BenchError."""
    kept = folder / "peer-requirements.txt"
    if not kept.is_file() or kept.read_bytes() != _REQUIREMENTS.read_bytes():
        shutil.rmtree(folder, ignore_errors=True)
        uv = str(Path(sys.executable).parent / "uv")
        python = str(folder / "bin/python")
        for command in (
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, "-r", str(_REQUIREMENTS)],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise BenchError(f"{' '.join(command)} failed: {done.stderr[-1500:]}")
        shutil.copyfile(_REQUIREMENTS, kept)
    templates = list(folder.glob(f"lib/python*/site-packages/{_TEMPLATE}"))
    if not templates:
        raise BenchError(f"{folder} has no {_TEMPLATE}")
    return Peer(openjd=folder / "bin/openjd", template=templates[0])


def _take(folder: Path, layer: str, frame: int) -> float:
    """Give a picture the name that all others have; returns when it was written, in epoch seconds."""
    path = folder / f"{layer}_{_NAME.replace('####', f'{frame:04d}')}.png"
    if not path.is_file():
        raise BenchError(f"the peer wrote no {path}: see {folder}/openjd.log")
    return path.rename(folder / f"{frame:04d}.png").stat().st_mtime
