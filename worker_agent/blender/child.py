"""The child process: started in a cage and a group of its own, and ended with all its descendants."""

import contextlib
import errno
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from uuid import uuid4

from worker_agent.blender.channel import Channel
from worker_agent.blender.runtime import Runtime, child_environment
from worker_agent.cage.bars import Bars
from worker_agent.cage.family import descendants
from worker_agent.cage.hatch import HatchWire
from worker_agent.cage.watch import Watch
from worker_agent.memory_order import offer_to_the_oom_killer

SESSION_SCRIPT = Path(__file__).parent / "inside" / "session.py"
# In the environment of a child and of whatever it starts: finds those whose parent has gone.
_MARK = "FARM_BLENDER_SESSION"
# How long a killed process may take to vanish (it can be stuck in the kernel, e.g. on NFS).
_REAP_SECONDS = 5.0
# Plus a signal's number: the exit status of bubblewrap when that signal has ended what is in the cage.
_SIGNALED = 128


class Child:
    """A running Blender with its channel. `kill` is for any thread, the rest for the owner."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        channel: Channel,
        mark: str,
        watch: Watch | None,
        hatch: HatchWire | None,
    ) -> None:
        self._process = process
        self._mark = mark
        self._watch = watch
        self._hatch = hatch
        self.channel = channel
        self._lock = threading.Lock()
        self._reaped = False

    @classmethod
    def start(cls, runtime: Runtime, workdir: Path, log_path: Path, bars: Bars | None = None) -> "Child":
        """Starts the session script, in a cage when there are bars.

        Raises OSError when the runtime cannot be started.
        """
        workdir.mkdir(parents=True, exist_ok=True)
        log_path.parent.mkdir(parents=True, exist_ok=True)
        if not runtime.path.exists():  # bubblewrap would say so in the log only
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(runtime.path))
        commands_read, commands_write = os.pipe()
        events_read, events_write = os.pipe()
        mark = uuid4().hex
        command = runtime.argv(SESSION_SCRIPT, (commands_read, events_write))
        environment = {**child_environment(workdir, os.environ), _MARK: mark}
        inherited = [commands_read, events_write]
        hatch = None
        try:
            if bars:
                needed = (*runtime.roots, SESSION_SCRIPT.parent)
                command = bars.around(command, needed=needed, home=workdir, environment=environment)
                if bars.hatch:
                    hatch = HatchWire(bars.hatch)
                    command = hatch.around(command, inherited)
                    inherited.append(hatch.fd)
            with log_path.open("ab") as log:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=workdir,
                    env=environment,
                    pass_fds=inherited,
                    start_new_session=True,
                )
            offer_to_the_oom_killer(process.pid)
        except BaseException:
            os.close(commands_write)
            os.close(events_read)
            if hatch:
                hatch.close()
            raise
        finally:
            os.close(commands_read)
            os.close(events_write)
        if hatch:
            hatch.started()
        watch = Watch(process.pid, bars.limits, (*bars.writable, workdir), log_path) if bars else None
        return cls(process, Channel(commands_write, events_read, _pidfd(process.pid)), mark, watch, hatch)

    def settle(self) -> None:
        """It has started, and seen no stranger's file yet: from now on it is kept within its limits."""
        for pid in descendants(self.pid):  # those of a cage, started before the score was written
            offer_to_the_oom_killer(pid)
        if self._watch:
            self._watch.begin(self.kill)

    def show(self, outside: Path, inside: Path) -> None:
        """Let a cage with a hatch read a folder under this path. Raises HatchError."""
        if self._hatch:
            self._hatch.show(outside, inside)

    @property
    def excess(self) -> str:
        """Why it was ended for what it used up, in words; empty when it was not."""
        return self._watch.excess if self._watch else ""

    @property
    def pid(self) -> int:
        """The child's process id, which is also the id of its group."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL to the group and to descendants that left it. Returns without waiting."""
        with self._lock:
            # Not after the child has been reaped: by then its number may be another's.
            if self._reaped:
                return
            strays = [*descendants(self.pid), *_marked(self._mark)]
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            for pid in strays:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def wait_gone(self, seconds: float) -> bool:
        """Whether the child ends on its own within that time; its status is not collected."""
        deadline = time.monotonic() + seconds
        while True:
            # WNOWAIT leaves the zombie, so that its number stays ours until `end`.
            flags = os.WEXITED | os.WNOWAIT | os.WNOHANG
            if self._reaped or os.waitid(os.P_PID, self.pid, flags) is not None:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.005)

    def end(self) -> int | None:
        """Kills what is left and returns the exit status as Popen gives it (None: stuck).

        The group is killed even when the child itself has ended: its children may be there.
        """
        if self._watch:
            self._watch.end()
        if self._hatch:
            self._hatch.close()
        self.kill()
        with self._lock:
            try:
                status = self._process.wait(_REAP_SECONDS)
            except subprocess.TimeoutExpired:
                return None
            self._reaped = True
            if self._watch and status > _SIGNALED:
                return _SIGNALED - status  # how bubblewrap passes a signal on
            return status


def _pidfd(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):  # Linux only
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _marked(mark: str) -> list[int]:
    """Processes that have this child's mark in their environment, whoever their parent is by now."""
    variable = f"{_MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if variable in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found


def describe_exit(status: int | None) -> tuple[str, str]:
    """(code, plain words) for an exit status in Popen's form (negative: a signal)."""
    if status is None:
        return "stuck", "could not be ended"
    if status == -signal.SIGKILL:
        return "out_of_memory", "was killed by the system, most likely for want of memory"
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = "unknown"
        return "crashed", f"crashed (signal {-status}, {name})"
    return "exited", f"ended by itself (exit code {status})"
