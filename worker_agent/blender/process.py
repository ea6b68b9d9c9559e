"""A Blender session as the agent sees it: open a scene, bake it, render frames, kill it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from worker_agent.blender import exchanges
from worker_agent.blender.child import Child
from worker_agent.blender.conversation import Conversation
from worker_agent.blender.errors import BlenderDied
from worker_agent.blender.exchanges import UNKNOWN, await_identity
from worker_agent.blender.file_header import read_file_version
from worker_agent.blender.log_file import LogFile
from worker_agent.blender.openable import facts_of_openable
from worker_agent.blender.report import (
    BakeProgress,
    ColorView,
    Expectations,
    FrameOutputs,
    RenderDevice,
    RenderedFrame,
    SceneReport,
)
from worker_agent.blender.runtime import Runtime
from worker_agent.blender.usage import MeasuredBlender
from worker_agent.cage.bars import Bars


class BlenderSession(MeasuredBlender):
    """One child with one scene. Used by one thread; `kill` may be called from any.

    After BlenderDied, BlenderTimedOut or BlenderKilled the session is over: every later call
    raises, and `close` still has to be called. SceneRejected and BlenderFailed leave it usable, but
    for a SceneRejected of the code `unloadable_simulation`, which ends it too.
    """

    def __init__(self, child: Child, log: LogFile, bars: Bars | None = None) -> None:
        self._child = child
        self._log = log
        self._bars = bars
        self._conversation = Conversation(child, log)
        self.identity = UNKNOWN
        self._frame_outputs: FrameOutputs | None = None
        self._color_view: ColorView | None = None
        self.frames_rendered = 0
        """By this Blender, whichever scene they were of."""
        self.render_seconds = 0.0
        """What these frames took together."""
        self.device = RenderDevice()
        """What renders the scene that is open."""
        self.is_as_loaded = False
        """Whether the open scene renders as if it had been opened for rendering alone (not `for_bake`)."""

    @classmethod
    def start(
        cls,
        *,
        runtime: Runtime,
        workdir: Path,
        log_path: Path,
        start_timeout_seconds: float,
        bars: Bars | None = None,
        begun: Callable[["BlenderSession"], None] = lambda _: None,
    ) -> "BlenderSession":
        """Starts Blender, in a cage when there are bars, and waits until it answers.

        `workdir` becomes its home and temporary folder, everything it prints is appended to
        `log_path`. With a hatch in the bars it is a spare one, until it is shown its project. `begun` is
        called with what may be killed meanwhile. Raises BlenderDied, BlenderTimedOut or BlenderKilled.
        """
        try:
            child = Child.start(runtime, workdir.absolute(), log_path.absolute(), bars)
        except OSError as error:
            reason = f"Blender could not be started from {runtime.path.name} ({error.strerror})."
            raise BlenderDied(reason, "no_runtime") from error
        session = cls(child, LogFile(log_path), bars)
        begun(session)
        try:
            session.identity = await_identity(session._conversation, start_timeout_seconds)
            if not (bars and bars.hatch):
                child.settle()
        except BaseException:
            session.close()
            raise
        return session

    @property
    def runtime_version(self) -> str:
        return self.identity.version

    @property
    def runtime_build(self) -> str:
        return self.identity.build

    @property
    def color_config(self) -> str:
        """Where this Blender has its colour configuration."""
        return self.identity.color_config

    @property
    def has_ended(self) -> bool:
        """Whether it has died, though nobody has spoken to it."""
        return self._child.wait_gone(0)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def frame_outputs(self) -> FrameOutputs:
        """What every frame of the scene that is open writes."""
        assert self._frame_outputs is not None, "no scene is open"
        return self._frame_outputs

    @property
    def color_view(self) -> ColorView:
        """How the scene that is open shows its colours."""
        assert self._color_view is not None, "no scene is open"
        return self._color_view

    def show(self, project: Path, published: Path) -> None:
        """Let a spare Blender see its project, in a cage as what it will be `published` as.

        Raises HatchError, or a BlenderError when it has not answered at once: then it is of no use.
        """
        exchanges.greet(self._conversation)
        if self._bars and self._bars.hatch:
            project, published = project.absolute(), published.absolute()
            self._child.show(project, published)
            self._bars = replace(self._bars, renamed=((project, published),), hatch=None)
            self._child.settle()

    def open(
        self,
        blend: Path,
        options: Mapping[str, object],
        timeout_seconds: float,
        *,
        asked_frames: Mapping[str, object] | None = None,
        for_bake: bool = True,
        bound_device: str = "",
        scripts: bool = False,
    ) -> SceneReport:
        """Loads a .blend, applies the options and inspects the scene.

        With `scripts` the file's own Python runs; it is for a Blender in a cage. Without, a scene that
        needs it is rejected.
        Options: scene, camera, engine, samples, resolution_percentage, device, all optional; for a
        `bound_device` (contract.devices) it has to be that device, whatever was asked. With
        `asked_frames` (of JobOptions) the files that those frames need are looked for; for a project
        that is only rendered (not `for_bake`) no simulations are. Raises
        SceneRejected when file, options or scene are such that no try will succeed, and
        DeviceUnavailable when this worker has not the device.
        """
        self._conversation.check_usable()
        self.is_as_loaded = False
        file_version = read_file_version(blend)
        facts = facts_of_openable(blend, file_version, self.identity.series)
        command = {
            "do": "open",
            "blend": str(self._bars.inside(blend.absolute()) if self._bars else blend.absolute()),
            "options": dict(options),
            "file_engines": facts.engines,
            "for_bake": for_bake,
            "bound_device": bound_device,
            "scripts": scripts,
            "asked_frames": None if asked_frames is None else dict(asked_frames),
        }
        versions = {"file_version": str(file_version), "runtime_version": self.runtime_version}
        with self._conversation.well_formed():
            *_, opened = self._conversation.ask(command, "open", timeout_seconds, until="opened")
            report = SceneReport.from_json(opened["report"] | versions)
            self.device = RenderDevice.from_json(opened["device"])
            self.is_as_loaded = opened.get("as_loaded") is True
        self._frame_outputs, self._color_view = report.frame_outputs, report.color_view
        return report

    def bake(
        self,
        last_frame: int,
        project: Path,
        on_progress: Callable[[BakeProgress], None],
        timeout_seconds: float,
    ) -> Expectations:
        """Bakes every simulation that is not ready up to `last_frame`, and saves the open file in place.

        Its caches lie beside it and are named after it: move the folder, never the file. Nothing
        outside of the folder `project` is changed. Returns what `prove` must find in another
        session. Raises SceneRejected for what cannot be baked. `timeout_seconds` is for all of it.
        """
        self._conversation.check_usable()
        self.is_as_loaded = False
        return exchanges.bake(self._conversation, last_frame, project, on_progress, timeout_seconds)

    def prove(self, expectations: Expectations, timeout_seconds: float) -> None:
        """Looks whether the open project shows what was seen while it was baked, by another session.

        Raises SceneRejected that names the objects which differ.
        """
        self._conversation.check_usable()
        exchanges.prove(self._conversation, expectations, timeout_seconds)

    def render(
        self, frames: Sequence[int], output: Path, timeout_seconds_per_frame: float
    ) -> Iterator[RenderedFrame]:
        """Renders frames in the order given into `output` and yields each when it is on disk.

        BlenderFailed (with its `frame`) ends the call; the frames after it were not rendered
        and may be asked for again. A caller that stops in the middle ends the session.
        """
        self._conversation.check_usable()
        rendered = exchanges.render(self._conversation, self._log, frames, output, timeout_seconds_per_frame)
        for frame in rendered:
            self.frames_rendered += 1
            self.render_seconds += frame.seconds
            yield frame

    def log_tail(self) -> str:
        """The last part of what Blender printed (at most 64 KB)."""
        return self._log.tail()

    def kill(self) -> None:
        """Ends Blender and its descendants at once, from any thread; a waiter gets BlenderKilled."""
        self._conversation.kill()

    def close(self) -> None:
        """Ends Blender: whatever it has rendered is on the disk. Never raises."""
        self._conversation.close()

    def __enter__(self) -> "BlenderSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
