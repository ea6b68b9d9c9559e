"""Checks the files of one frame. The first thing wrong is told, in words for the artist."""

from __future__ import annotations

import logging
import stat
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from worker_agent.blender import FrameOutputs, RenderedFrame
from worker_agent.output_check import formats
from worker_agent.output_check.errors import CheckerUnavailableError, InvalidOutput
from worker_agent.output_check.findings import Part, Wanted
from worker_agent.output_check.frame_files import main_files, missing_node_files
from worker_agent.output_check.pictures import Pictures
from worker_agent.picture_process import (
    PictureProcess,
    ProcessDied,
    ProcessTimedOut,
    ProcessUnavailableError,
)
from worker_agent.watchdog import BEAT_SECONDS, still_alive

log = logging.getLogger(__name__)

DECODER = (sys.executable, "-B", "-m", "worker_agent.output_check.decoder")
FILE_SECONDS_LIMIT = 300.0
_CRASHES = 2
"""A decoder that dies over one file so often died of that file; once may have been the machine."""


class _Wrong(Exception):
    """What is wrong, in a sentence."""


class OutputChecker:
    """Keeps a decoder process open. For any thread: it looks at one frame at a time."""

    def __init__(
        self, *, command: Sequence[str] = DECODER, file_seconds_limit: float = FILE_SECONDS_LIMIT
    ) -> None:
        self._decoder = PictureProcess(command, name="decoder")
        self._file_seconds_limit = file_seconds_limit
        self._turn = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of the decoder, for measuring its memory."""
        return self._decoder.pid

    def start(self) -> None:
        """Start the decoder, so that what is amiss shows before any frame. Raises CheckerUnavailableError."""
        try:
            self._decoder.start()
        except ProcessUnavailableError as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """End the decoder."""
        self._decoder.close()

    def check(
        self,
        rendered: RenderedFrame,
        output: Path,
        outputs: FrameOutputs,
        shown: Mapping[str, Any] | None = None,
    ) -> Pictures | None:
        """Look at every file that a frame wrote into `output`, and for those that it should have.

        With `shown` (what view_transform takes) small pictures are made of its main file meanwhile, if
        they can be. Raises InvalidOutput, CheckerUnavailableError.
        """
        try:
            with self._turns():
                return self._check(rendered, output, outputs, shown)
        except _Wrong as wrong:
            raise InvalidOutput(str(wrong), rendered.log, rendered.frame) from wrong
        except ProcessUnavailableError as error:
            raise _unavailable(error) from error

    @contextmanager
    def _turns(self) -> Iterator[None]:
        """One frame may take its time; whoever waits for that is not stuck."""
        while not self._turn.acquire(timeout=BEAT_SECONDS):
            still_alive()
        try:
            yield
        finally:
            self._turn.release()

    def _check(
        self,
        rendered: RenderedFrame,
        output: Path,
        outputs: FrameOutputs,
        shown: Mapping[str, Any] | None,
    ) -> Pictures | None:
        if not rendered.files:
            raise _Wrong("Blender wrote no file.")
        expected = main_files(rendered.frame, outputs)
        names = tuple(
            dict.fromkeys((*expected, *rendered.files))
        )  # the main picture, or its first view, first
        pictures = None
        for name in names:
            path = _regular_file(output, name)
            if name not in rendered.files:
                raise _Wrong(f"The file {name} was not written again for this frame.")
            made = self._check_file(
                name, path, outputs, is_main=name in expected, shown=shown if name == names[0] else None
            )
            pictures = pictures or made
        if missing := missing_node_files(rendered.frame, outputs, rendered.files):
            raise _Wrong(f"Files of File Output nodes are missing: {', '.join(missing)}.")
        return pictures

    def _check_file(
        self,
        name: str,
        path: Path,
        outputs: FrameOutputs,
        *,
        is_main: bool,
        shown: Mapping[str, Any] | None,
    ) -> Pictures | None:
        main = outputs.main
        known = formats.by_extension(path.suffix)
        asked = formats.OF_SCENE.get(main.file_format) if is_main else None
        if is_main and known and asked and known.name != asked:
            raise _Wrong(f"The file {name} is called {known.name}, but the scene asks for {asked}.")
        if known is None:
            return None  # nothing that Blender writes pictures in
        wanted = Wanted()
        if is_main:
            bits = main.color_depth if known.name in ("PNG", "TIFF") else 0
            wanted = Wanted(width=main.width, height=main.height, bits=bits, layers=main.multilayer)
        _check_content(name, path, known)
        parts, pictures = self._decoded(name, path, known, wanted, shown)
        if problem := wanted.problem(parts):
            raise _Wrong(f"The file {name} {problem}.")
        return pictures

    def _decoded(
        self,
        name: str,
        path: Path,
        known: formats.Format,
        wanted: Wanted,
        shown: Mapping[str, Any] | None,
    ) -> tuple[tuple[Part, ...], Pictures | None]:
        request = {"path": str(path.absolute()), "format": known.name, "wanted": asdict(wanted)}
        answer = self._ask(name, request, shown)
        if "damaged" in answer:
            raise _Wrong(f"The file {name} is damaged or incomplete: {str(answer['damaged'])[:300]}.")
        try:
            parts = tuple(Part.from_json(part) for part in answer["parts"])
            first, too_large = parts[0], bool(answer["too_large"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            self._decoder.close()  # the file has taken it over
            raise _Wrong(f"The file {name} cannot be read.") from error
        if min(first.width, first.height) < 1:
            raise _Wrong(f"The file {name} has no pixels.")
        if too_large and wanted.problem(parts) is None:
            raise _Wrong(f"The file {name} claims to have {first.width}×{first.height} pixels.")
        return parts, _pictures(name, answer) if shown else None

    def _ask(self, name: str, request: dict[str, Any], shown: Mapping[str, Any] | None) -> dict[str, Any]:
        if shown:
            try:
                return self._decoder.ask({**request, "shown": dict(shown)}, self._file_seconds_limit)
            except (
                ProcessDied,
                ProcessTimedOut,
            ) as error:  # of the pictures, perhaps: a frame is not judged by them
                log.warning("the decoder is asked once more about %r, for no pictures: %s", name, error)
        for attempt in range(1, _CRASHES + 1):
            try:
                return self._decoder.ask(request, self._file_seconds_limit)
            except ProcessTimedOut as error:
                raise _Wrong(f"The file {name} could not be opened: {error}.") from error
            except ProcessDied as error:
                if attempt == _CRASHES:
                    raise _Wrong(f"The file {name} could not be opened: {error}.") from error
        raise AssertionError("unreachable")


def _unavailable(error: Exception) -> CheckerUnavailableError:
    return CheckerUnavailableError(f"pictures cannot be checked: {error}")


def _pictures(name: str, answer: Mapping[str, Any]) -> Pictures | None:
    try:
        return Pictures.from_answer(answer.get("pictures"))
    except ValueError as error:
        log.warning("there are no small pictures of %r: %r", name, str(error))
        return None


def _regular_file(output: Path, name: str) -> Path:
    """The file below the output folder, by a way without links. Raises _Wrong when it is none, or empty."""
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise _Wrong(f"The file {name!r} is not inside the frame's own folder.")
    path = output
    for part in parts:
        path = path / part
        try:
            status = path.lstat()
        except OSError as error:
            raise _Wrong(f"The file {name} is missing: Blender did not write it.") from error
        if stat.S_ISLNK(status.st_mode):
            raise _Wrong(f"The file {name} is a link, which is not taken.")
    if not stat.S_ISREG(status.st_mode):
        raise _Wrong(f"{name} is not a regular file.")
    if status.st_size == 0:
        raise _Wrong(f"The file {name} is empty.")
    return path


def _check_content(name: str, path: Path, known: formats.Format) -> None:
    """Whether the first bytes are of the format that the name promises."""
    with path.open("rb") as file:
        head = file.read(formats.MAGIC_BYTES)
    found = formats.by_content(head)
    if found == known or (not known.magics and found is None):
        return
    holds = f"holds {found.name}" if found else "holds something else"
    raise _Wrong(f"The file {name} is no {known.name}: it {holds}, or its beginning is damaged.")
