"""A Blender that renders, fails and dies as it is told, for tests of what the agent makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from contract.job import Job
from contract.options import JobOptions
from contract.runtimes import RuntimeSpec
from tests.support.pictures import png
from worker_agent.blender import (
    BakeProgress,
    BlenderError,
    ColorView,
    Expectations,
    FrameOutputs,
    MainPicture,
    RenderDevice,
    RenderedFrame,
    SceneInFile,
    SceneReport,
    Simulation,
)
from worker_agent.runtimes.errors import RuntimeUnavailableError

REPORT = SceneReport(
    runtime_version="4.5.15",
    file_version="4.5",
    scene="Scene",
    frame_start=1,
    frame_end=4,
    frame_step=1,
    fps=24.0,
    engine="CYCLES",
    file_format="PNG",
    extension=".png",
    width=32,
    height=32,
    camera="Camera",
    simulations=(),
    scenes=(SceneInFile("Scene", 1, 4, 1, "CYCLES", "PNG", "Camera"),),
    missing_files=(),
    missing_file_count=0,
    frame_outputs=FrameOutputs(
        main=MainPicture(
            suffixes=("",),
            extension=".png",
            file_format="PNG",
            color_depth=8,
            multilayer=False,
            width=32,
            height=32,
        ),
        node_files=(),
    ),
    color_view=ColorView(
        stored_in="",
        display="sRGB",
        view="Standard",
        look="None",
        exposure=0.0,
        gamma=1.0,
        curves=False,
        white_balance=False,
    ),
    notes=(),
)
CLOTH = replace(REPORT, simulations=(Simulation("cloth", "Sheet", False, 1, 250),))
"""A scene with a cloth that is not baked."""


PICTURE = png(32, 32)


@dataclass
class ObedientSession:
    """Stands in for BlenderSession."""

    report: SceneReport = REPORT
    runtime_version: str = "4.5.15"
    runtime_build: str = "5afeabba6097"
    open_errors: list[BlenderError] = field(default_factory=list)
    """Raised by the next opens, in their order."""
    bake_errors: list[BlenderError] = field(default_factory=list)
    proof_errors: list[BlenderError] = field(default_factory=list)
    proved: list[tuple[Path, list[Any]]] = field(default_factory=list)
    frame_errors: dict[int, list[BlenderError]] = field(default_factory=dict)
    """Raised by the next renders of a frame."""
    extra_files: tuple[str, ...] = ()
    frame_seconds: float = 1.5
    """What each frame says that it took."""
    picture: bytes = PICTURE
    """What every file of a frame holds."""
    during_bake: Callable[[], None] = lambda: None
    during_render: Callable[[], None] = lambda: None
    opened: list[tuple[Path, Mapping[str, Any]]] = field(default_factory=list)
    asked_frames: list[Mapping[str, Any] | None] = field(default_factory=list)
    """With each open: what of the frames was known, or None when no files are looked for."""
    baked_to: list[int] = field(default_factory=list)
    rendered: list[int] = field(default_factory=list)
    limits_seconds: list[float] = field(default_factory=list)
    """With each render: how long a frame may take."""

    color_config: str = ""
    device: RenderDevice = field(default_factory=RenderDevice)
    frames_rendered: int = 0
    processor_seconds: float = 0.0
    memory_bytes: int = 1
    peak_memory_bytes: int = 1
    bound_devices: list[str] = field(default_factory=list)
    """With each open: the device that it had to be."""

    @property
    def color_view(self) -> ColorView:
        return self.report.color_view

    @property
    def frame_outputs(self) -> FrameOutputs:
        return self.report.frame_outputs

    def open(
        self,
        blend: Path,
        options: Mapping[str, Any],
        timeout_seconds: float,
        *,
        asked_frames: Mapping[str, Any] | None = None,
        for_bake: bool = True,
        bound_device: str = "",
        scripts: bool = False,
    ) -> SceneReport:
        assert blend.is_file(), blend
        self.bound_devices.append(bound_device)
        self.opened.append((blend, options))
        self.asked_frames.append(asked_frames)
        if self.open_errors:
            raise self.open_errors.pop(0)
        return self.report

    def bake(
        self,
        last_frame: int,
        project: Path,
        on_progress: Callable[[BakeProgress], None],
        timeout_seconds: float,
    ) -> Expectations:
        self.baked_to.append(last_frame)
        self.during_bake()
        if self.bake_errors:
            raise self.bake_errors.pop(0)
        on_progress(BakeProgress("cloth", "Sheet", 3, last_frame))
        blend = next(path for path, _ in reversed(self.opened) if path.is_relative_to(project))
        blend.write_bytes(blend.read_bytes() + b" baked")
        return Expectations(["what was seen"])

    def prove(self, expectations: Expectations, timeout_seconds: float) -> None:
        self.proved.append((self.opened[-1][0], list(expectations)))
        if self.proof_errors:
            raise self.proof_errors.pop(0)

    def render(
        self, frames: Sequence[int], output: Path, timeout_seconds_per_frame: float
    ) -> Iterator[RenderedFrame]:
        self.limits_seconds.append(timeout_seconds_per_frame)
        for frame in frames:
            self.during_render()
            if self.frame_errors.get(frame):
                raise self.frame_errors[frame].pop(0)
            files = tuple(name.format(frame) for name in ("{:04d}.png", *self.extra_files))
            for name in files:
                (output / name).parent.mkdir(parents=True, exist_ok=True)
                (output / name).write_bytes(self.picture)
            self.rendered.append(frame)
            yield RenderedFrame(
                frame=frame, seconds=self.frame_seconds, files=files, log=f"Fra:{frame} Saved"
            )

    def forget_peak(self) -> None:
        pass

    def log_tail(self) -> str:
        return "Blender's log"


@dataclass
class ObedientSessions:
    """Stands in for SceneSessions."""

    folder: Path
    session: ObedientSession
    closed: int = 0
    cleared: int = 0
    during_clearing: Callable[[], None] = lambda: None
    start_errors: list[RuntimeUnavailableError] = field(default_factory=list)
    """Raised by the next starts."""
    fresh_ones: list[str] = field(default_factory=list)
    """What each Blender of its own did with the project."""
    kept: list[tuple[str, Path]] = field(default_factory=list)

    def choose(self, blend: Path, wanted_version: str | None) -> RuntimeSpec:
        assert blend.is_file(), blend
        return RuntimeSpec(version=wanted_version or self.session.runtime_version)

    def bound(self, job: Job) -> RuntimeSpec:
        return RuntimeSpec(version=job.blender_version)

    def scripts_run(self, options: JobOptions) -> bool:
        return options.allow_scripts is not False

    @contextmanager
    def fresh(
        self,
        spec: RuntimeSpec,
        build: str | None = None,
        *,
        project: Path,
        changes_it: bool,
        published: Path | None = None,
    ) -> Iterator[ObedientSession]:
        if self.start_errors:
            raise self.start_errors.pop(0)
        self.fresh_ones.append("writes" if changes_it else "reads")
        yield self.session

    def keep(self, job_id: str, published: Path) -> None:
        assert published.is_dir(), f"{published} is not published"
        self.kept.append((job_id, published))

    def open_for(self, job: Job, project: Path, *, sessions: int = 1) -> ObedientSession:
        if self.start_errors:
            raise self.start_errors.pop(0)
        blend = project / job.baked_blend
        self.session.open(blend, {}, 1, for_bake=False, bound_device=job.device or "CPU")
        return self.session

    def foresee(self, job: Job | None) -> None:
        pass

    def close(self) -> None:
        self.closed += 1

    def distrust(self) -> None:
        self.closed += 1

    @property
    def scene_is_open(self) -> bool:
        return True

    def kill(self) -> bool:
        return True

    def clear_leftovers(self) -> None:
        self.cleared += 1
        self.during_clearing()

    def frames_folder(self) -> Path:
        return self.output_folder()

    def output_folder(self) -> Path:
        folder = self.folder / f"output-{uuid4().hex}"
        folder.mkdir(parents=True)
        return folder
