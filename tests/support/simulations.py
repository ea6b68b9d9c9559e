"""Scenes with simulations, what Blender itself shows of them, and the farm's bake of them."""

import atexit
import functools
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.blender import SECONDS
from tests.support.runtimes import run_script
from worker_agent.blender import BakeProgress, BlenderSession, Runtime, SceneReport

LAST = 12
MODULE = Path(sys.executable)
FLUIDS = ("gas", "liquid")
FRESH_REPLAY = """
bpy.data.objects["Tank"].modifiers[0].domain_settings.cache_directory = f"//replay_{wanted}"
"""
"""For `stepped`: a fluid that is replayed believes what an earlier replay left in its folder."""
MODULE_SCENES = (
    "every_kind",
    "hidden_in_viewport",
    "other_subdivision",
    "other_layer",
    "other_scene",
    "linked",
    "linked_zone",
    "two_caches_of_one_object",
    "shared_zone_folder",
    "bake_node",
    "zone_in_other_layer",
    "painted_image",
    "painted_elsewhere",
    "baked_zone",
    "ready_cache",
    "long_bake",
)
_MAKERS = Path(__file__).with_name("simulated_scenes.py")
# What Blender shows when somebody steps through the timeline and renders, and (as frozen.png) when
# nobody does. `prepare` is code that shows in the viewport what otherwise only renders show.
_STEP_THROUGH = """
import bpy, os, sys
arguments = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else sys.argv[1:]
blend, frames, output, prepare = arguments
frames = [int(frame) for frame in frames.split(",")]
def render(name):
    bpy.context.scene.render.filepath = f"{output}/{name}.png"
    bpy.ops.render.render(write_still=True)
bpy.ops.wm.open_mainfile(filepath=blend)
bpy.context.scene.frame_set(max(frames))
render("frozen")
for wanted in frames:  # anew for each: a render in between disturbs hair
    bpy.ops.wm.open_mainfile(filepath=blend)
    exec(prepare)
    for item in bpy.data.objects:  # frames that an earlier playback left in the file are none
        item.update_tag()
    for frame in range(1, wanted + 1):
        for every in bpy.data.scenes:
            every.frame_set(frame)
    render(f"{wanted:04d}")
sys.stdout.flush()
os._exit(0)
"""


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="farm-simulations-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "step_through.py").write_text(_STEP_THROUGH)
    return folder


@functools.cache
def _made(names: tuple[str, ...], blender: Path) -> Path:
    home = Path(tempfile.mkdtemp(dir=_folder()))
    run_script(blender, _MAKERS, str(home), *names)
    return home


def simulated_scene(name: str, folder: Path, blender: Path = MODULE) -> Path:
    """A private copy of a scene of `simulated_scenes.py` and of what lies beside it; its .blend.

    Made by that Blender: the module's scenes all at the first call, since each start takes seconds.
    """
    names = (name,) if name in FLUIDS or blender != MODULE else MODULE_SCENES
    shutil.copytree(_made(names, blender) / name, folder, dirs_exist_ok=True)
    return folder / f"{name}.blend"


def stepped(
    blend: Path, output: Path, frames: Sequence[int], *, prepare: str = "", blender: Path = MODULE
) -> Path:
    """The folder with these frames as Blender shows them that steps through all frames from the first."""
    output.mkdir(parents=True, exist_ok=True)
    wanted = ",".join(map(str, frames))
    script = _folder() / "step_through.py"
    run_script(blender, script, str(blend), wanted, str(output), prepare)
    return output


@dataclass
class Baked:
    """A project that was baked in one session and proved in another."""

    blend: Path
    report: SceneReport
    steps: list[BakeProgress] = field(default_factory=list)


def session(folder: Path, blender: Path = MODULE) -> BlenderSession:
    return BlenderSession.start(
        runtime=Runtime.of(blender),
        workdir=folder / "work",
        log_path=folder / "blender.log",
        start_timeout_seconds=SECONDS,
    )


def bake(
    blend: Path,
    last: int = LAST,
    *,
    render: Sequence[int] = (),
    output: Path | None = None,
    blender: Path = MODULE,
) -> Baked:
    """Bake a project in place as the farm does, and prove it. Raises what the session raises.

    The session that proves it, which knows nothing of the bake, then renders these frames into `output`.
    """
    folder = Path(tempfile.mkdtemp(dir=_folder()))
    with session(folder / "bake", blender) as first:
        report = first.open(blend, {}, SECONDS)
        baked = Baked(blend, report)
        expectations = first.bake(last, blend.parent, baked.steps.append, SECONDS)
    with session(folder / "proof", blender) as second:
        second.open(blend, {}, SECONDS, for_bake=False)
        second.prove(expectations, SECONDS)
        if render:
            list(second.render(render, output or folder / "frames", SECONDS))
    return baked
