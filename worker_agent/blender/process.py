"""A Blender session as the agent sees it: open a scene, bake it, render frames, kill it."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from worker_agent.blender.channel import Garbled, Silence
from worker_agent.blender.child import Child, describe_exit
from worker_agent.blender.errors import (
    BlenderDied,
    BlenderError,
    BlenderFailed,
    BlenderKilled,
    BlenderTimedOut,
    SceneRejected,
)
from worker_agent.blender.file_facts import read_facts
from worker_agent.blender.file_header import BlenderVersion, read_file_version
from worker_agent.blender.log_file import LogFile
from worker_agent.blender.report import (
    BakeProgress,
    ColorView,
    Expectations,
    FrameOutputs,
    RenderedFrame,
    SceneReport,
)
from worker_agent.blender.runtime import Runtime

# A Blender that hangs at exit (a driver that wants Python is enough) is not waited for longer.
QUIT_SECONDS = 2.0
# Failures of a bake that every try would meet again.
_HOPELESS_BAKES = {"bake_failed", "unproved", "unsupported_simulation", "unloadable_simulation"}
# Between the end of the child's pipe and the end of the child, for an honest exit status.
_EXIT_SECONDS = 1.0


class BlenderSession:
    """One child with one scene. Used by one thread; `kill` may be called from any.

    After BlenderDied, BlenderTimedOut or BlenderKilled the session is over: every later call
    raises, and `close` still has to be called. SceneRejected and BlenderFailed leave it usable, but
    for a SceneRejected of the code `unloadable_simulation`, which ends it too.
    """

    def __init__(self, child: Child, log: LogFile) -> None:
        self._child = child
        self._log = log
        self._killed = False
        self._over: BlenderError | None = None
        self._closed = False
        self.runtime_version = ""
        self.runtime_build = ""
        self.color_config = ""
        """Where this Blender has its colour configuration; said before it has read a stranger's file."""
        self._series = BlenderVersion(0, 0)
        self._frame_outputs: FrameOutputs | None = None
        self._color_view: ColorView | None = None

    @classmethod
    def start(
        cls, *, runtime: Runtime, workdir: Path, log_path: Path, start_timeout_seconds: float
    ) -> "BlenderSession":
        """Starts Blender and waits until it answers.

        `workdir` becomes its home and temporary folder, everything it prints is appended to
        `log_path`. Raises BlenderDied or BlenderTimedOut.
        """
        try:
            child = Child.start(runtime, workdir.absolute(), log_path.absolute())
        except OSError as error:
            reason = f"Blender could not be started from {runtime.path.name} ({error.strerror})."
            raise BlenderDied(reason, "no_runtime") from error
        session = cls(child, LogFile(log_path))
        try:
            deadline = time.monotonic() + start_timeout_seconds
            ready = session._next("start", None, deadline, start_timeout_seconds)
            with session._well_formed():
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
    def pid(self) -> int:
        """Process id of the child, for measuring its memory."""
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

    def open(
        self,
        blend: Path,
        options: Mapping[str, object],
        timeout_seconds: float,
        *,
        asked_frames: Mapping[str, object] | None = None,
        for_bake: bool = True,
    ) -> SceneReport:
        """Loads a .blend, applies the options and inspects the scene. Scripts stay disabled.

        Options: scene, camera, engine, samples, resolution_percentage, all optional. With
        `asked_frames` (of JobOptions) the files that those frames need are looked for; for a project
        that is only rendered (not `for_bake`) no simulations are. Raises
        SceneRejected when file, options or scene are such that no try will succeed.
        """
        self._check_usable()
        file_version = read_file_version(blend)
        if file_version > self._series:
            raise SceneRejected(
                f"{blend.name} was saved by Blender {file_version}, which is newer than the "
                f"Blender {self._series} of this farm. Save it with {self._series} or older.",
                "file_too_new",
            )
        facts = read_facts(blend)
        if facts.rigid_worlds_on_disk:
            raise SceneRejected(
                f'The rigid-body world of the scene "{facts.rigid_worlds_on_disk[0]}" keeps its '
                "cache on disk, which crashes Blender. Turn Disk Cache off in its cache settings.",
                "unsupported_simulation",
            )
        command = {
            "do": "open",
            "blend": str(blend.absolute()),
            "options": dict(options),
            "file_engines": facts.engines,
            "for_bake": for_bake,
            "asked_frames": None if asked_frames is None else dict(asked_frames),
        }
        versions = {"file_version": str(file_version), "runtime_version": self.runtime_version}
        with self._well_formed():
            *_, opened = self._ask(command, "open", timeout_seconds, until="opened")
            report = SceneReport.from_json(opened["report"] | versions)
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
        self._check_usable()
        command = {"do": "bake", "last_frame": last_frame, "project": str(project.absolute())}
        for event in self._ask(command, "bake", timeout_seconds, until="baked"):
            with self._well_formed():
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
        self._check_usable()
        command = {"do": "prove", "expectations": expectations}
        for _ in self._ask(command, "prove", timeout_seconds, until="proved"):
            pass

    def render(
        self, frames: Sequence[int], output: Path, timeout_seconds_per_frame: float
    ) -> Iterator[RenderedFrame]:
        """Renders frames in the order given into `output` and yields each when it is on disk.

        BlenderFailed (with its `frame`) ends the call; the frames after it were not rendered
        and may be asked for again. A caller that stops in the middle ends the session.
        """
        self._check_usable()
        command = {"do": "render", "frames": list(frames), "output": str(output.absolute())}
        self._log.since_mark()
        events = self._ask(command, "render", timeout_seconds_per_frame, "render_finished", tuple(frames))
        for event in events:
            if event["event"] == "frame_rendered":
                with self._well_formed():
                    frame, seconds = int(event["frame"]), float(event["seconds"])
                    files = tuple(str(file) for file in event["files"])
                    log = self._log.since_mark(int(event["log_end"]))
                yield RenderedFrame(frame, seconds, files, log)

    def log_tail(self) -> str:
        """The last part of what Blender printed (at most 64 KB)."""
        return self._log.tail()

    def kill(self) -> None:
        """Ends Blender and its descendants at once, from any thread; a waiter gets BlenderKilled."""
        self._killed = True
        if not self._closed:
            self._child.kill()
            self._child.channel.wake()

    def close(self) -> None:
        """Asks Blender to quit and ends it when it has not gone within 2 s. Never raises."""
        if self._closed:
            return
        if self._over is None and not self._killed:
            deadline = time.monotonic() + QUIT_SECONDS
            if self._child.channel.send({"do": "quit"}, deadline) is None:
                self._child.wait_gone(deadline - time.monotonic())
        self._child.end()
        self._closed = True
        self._child.channel.close()

    def __enter__(self) -> "BlenderSession":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_usable(self) -> None:
        if self._over is not None:
            raise self._over
        if self._killed:
            self._give_up(BlenderKilled("Blender was stopped by the farm.", "killed"))
        if self._closed:
            raise BlenderDied("This Blender session is closed.", "closed")

    def _ask(
        self,
        command: dict[str, Any],
        during: str,
        seconds: float,
        until: str,
        frames: tuple[int, ...] = (),
    ) -> Iterator[dict[str, Any]]:
        """Sends a command and yields its events up to and including the one called `until`.

        The time limit is for everything, or for each frame when there are frames.
        """
        left = list(frames)
        deadline = time.monotonic() + seconds
        frame = left[0] if left else None
        complete = False
        try:
            silence = self._child.channel.send(command, deadline)
            if silence is not None:
                self._mourn(silence, during, frame, seconds)
            while not complete:
                event = self._next(during, frame, deadline, seconds)
                complete = event["event"] == until
                yield event
                if event["event"] == "frame_rendered":
                    left = left[1:]
                    frame = left[0] if left else None
                    deadline = time.monotonic() + seconds
        except BlenderError:
            complete = True
            raise
        finally:
            if not complete:  # left by the caller: what Blender still sends is nobody's
                self.kill()

    @contextlib.contextmanager
    def _well_formed(self) -> Iterator[None]:
        """A stranger's file may have taken the child over: its events are not trusted."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"Blender's session sent a malformed event ({error!r})."
            self._give_up(BlenderDied(reason, "garbled"))

    def _next(self, during: str, frame: int | None, deadline: float, seconds: float) -> dict[str, Any]:
        try:
            event = self._child.channel.receive(deadline)
        except Garbled as error:
            reason = f"Blender's session sent something that is no event: {error}."
            self._give_up(BlenderDied(reason, "garbled", frame=frame))
        if isinstance(event, Silence):
            self._mourn(event, during, frame, seconds)
        if event["event"] == "failed":
            raise self._failure(event)
        return event

    def _failure(self, event: dict[str, Any]) -> BlenderError:
        code, reason = str(event["code"]), str(event["reason"])
        log = self._log.tail()
        if event["during"] in ("bake", "prove") and code in _HOPELESS_BAKES:
            return SceneRejected(reason, code, log)
        # An unexpected error of ours while opening says nothing about the file.
        if event["during"] == "open" and code != "internal_error":
            if code == "unloadable_simulation":
                # Blender crashes when it lets go of it: the next file would get the blame.
                self._over = BlenderDied("This Blender cannot take another file.", "closed")
                self._child.kill()
            return SceneRejected(reason, code, log)
        return BlenderFailed(reason, code, log, event.get("frame"))

    def _mourn(self, silence: Silence, during: str, frame: int | None, seconds: float) -> NoReturn:
        """Turns a silence into the error it means, and ends the child."""
        doing = _DOING[during] if frame is None else f"while rendering frame {frame}"
        if self._killed:
            self._give_up(BlenderKilled(f"Blender was stopped {doing}.", "killed", frame=frame))
        if silence is Silence.TIMED_OUT:
            reason = f"Blender was stopped {doing}: not done within {seconds:g} s."
            self._give_up(BlenderTimedOut(reason, "timed_out", frame=frame))
        by_itself = self._child.wait_gone(_EXIT_SECONDS)
        code, what = describe_exit(self._child.end())
        if self._killed:
            self._give_up(BlenderKilled(f"Blender was stopped {doing}.", "killed", frame=frame))
        if not by_itself:
            code, what = "garbled", "closed its channel and was stopped"
        self._give_up(BlenderDied(f"Blender {what} {doing}.", code, frame=frame))

    def _give_up(self, error: BlenderError) -> NoReturn:
        self._child.end()
        error.log = self._log.tail()
        self._over = error
        raise error


_DOING = {
    "start": "while starting",
    "open": "while opening the file",
    "bake": "while baking",
    "prove": "while proving the bake",
    "render": "while rendering",
}
