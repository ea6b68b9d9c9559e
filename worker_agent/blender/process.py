"""A Blender session as the agent sees it: open a scene, bake it, render frames, kill it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from worker_agent.blender.child import Child
from worker_agent.blender.conversation import Conversation
from worker_agent.blender.errors import BlenderDied
from worker_agent.blender.file_header import BlenderVersion, read_file_version
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
from worker_agent.cage.bars import Bars
from worker_agent.cage.family import (
    close_family,
    forget_peaks,
    memory_bytes,
    peak_memory_bytes,
    processor_seconds,
)

_NEVER_SECONDS = 366 * 86_400.0
"""No frame takes so long, whatever Blender says."""
_GREETING_SECONDS = 3.0
"""For a Blender that has nothing to do."""


class BlenderSession:
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
        self.runtime_version = ""
        self.runtime_build = ""
        self.color_config = ""
        """Where this Blender has its colour configuration; said before it has read a stranger's file."""
        self._series = BlenderVersion(0, 0)
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
            ready = session._conversation.await_ready(start_timeout_seconds)
            if not (bars and bars.hatch):
                child.settle()
            with session._conversation.well_formed():
                major, minor, patch = (int(number) for number in ready["version"])
                session.runtime_build = str(ready["build"])
                session.color_config = str(ready.get("color_config", ""))
            session._series = BlenderVersion(major, minor)
            session.runtime_version = f"{major}.{minor}.{patch}"
        except BaseException:
            session.close()
            raise
        return session

    @property
    def has_ended(self) -> bool:
        """Whether it has died, though nobody has spoken to it."""
        return self._child.wait_gone(0)

    @property
    def pid(self) -> int:
        """Process id of the child, for measuring its memory."""
        return self._child.pid

    @property
    def memory_bytes(self) -> int:
        """What Blender and all that it has started have now, swapped out or not; 0 when it has ended."""
        return memory_bytes([self.pid, *close_family(self.pid)])

    @property
    def peak_memory_bytes(self) -> int:
        """The most that they have had since `forget_peak`, or since they were started."""
        return peak_memory_bytes([self.pid, *close_family(self.pid)])

    def forget_peak(self) -> None:
        """Measure the peak of what comes now."""
        forget_peaks([self.pid, *close_family(self.pid)])

    @property
    def processor_seconds(self) -> float:
        """Processor time that they have taken by now."""
        return processor_seconds([self.pid, *close_family(self.pid)])

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
        for _ in self._conversation.ask({"do": "greet"}, "greet", _GREETING_SECONDS, until="greeted"):
            pass
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
        facts = facts_of_openable(blend, file_version, self._series)
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
        command = {"do": "bake", "last_frame": last_frame, "project": str(project.absolute())}
        for event in self._conversation.ask(command, "bake", timeout_seconds, until="baked"):
            with self._conversation.well_formed():
                if event["event"] == "bake_progress":
                    kind, name = str(event["kind"]), str(event["object"])
                    progress = BakeProgress(kind, name, int(event["frame"]), int(event["last_frame"]))
                else:
                    return Expectations(event["expectations"])
            on_progress(progress)
        raise AssertionError("unreachable")

    def prove(self, expectations: Expectations, timeout_seconds: float) -> None:
        """Looks whether the open project shows what was seen while it was baked, by another session.

        Raises SceneRejected that names the objects which differ.
        """
        self._conversation.check_usable()
        command = {"do": "prove", "expectations": expectations}
        for _ in self._conversation.ask(command, "prove", timeout_seconds, until="proved"):
            pass

    def render(
        self, frames: Sequence[int], output: Path, timeout_seconds_per_frame: float
    ) -> Iterator[RenderedFrame]:
        """Renders frames in the order given into `output` and yields each when it is on disk.

        BlenderFailed (with its `frame`) ends the call; the frames after it were not rendered
        and may be asked for again. A caller that stops in the middle ends the session.
        """
        self._conversation.check_usable()
        command = {"do": "render", "frames": list(frames), "output": str(output.absolute())}
        self._log.since_mark()
        waiting = list(frames)
        events = self._conversation.ask(
            command, "render", timeout_seconds_per_frame, "render_finished", tuple(frames)
        )
        for event in events:
            if event["event"] == "frame_rendered":
                with self._conversation.well_formed():
                    frame, seconds = int(event["frame"]), float(event["seconds"])
                    if frame not in waiting or not 0 <= seconds < _NEVER_SECONDS:
                        raise ValueError(f"frame {frame} after {seconds} s: expected one of {waiting[:3]}")
                    waiting.remove(frame)
                    files = tuple(str(file) for file in event["files"])
                    log = self._log.since_mark(int(event["log_end"]))
                self.frames_rendered += 1
                self.render_seconds += seconds
                yield RenderedFrame(frame, seconds, files, log)

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
