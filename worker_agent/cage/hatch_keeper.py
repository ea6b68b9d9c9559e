"""Run as a program around bubblewrap: `python -I -S hatch_keeper.py CONTROL FDS PLACE COMMAND…`.

It has mounts of its own, in which PLACE is shared with the cage that COMMAND makes. What it mounts there
later appears in the cage too, which can change nothing about it. CONTROL is the socket that it is told by,
once; FDS are those that COMMAND is to have. It is the agent's, and opens no stranger's file: it only mounts.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000
_DIE_WITH_PARENT = 1
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _SHARED = 32, 4_096, 16_384, 1 << 20
_MESSAGE_BYTES = 65_536
_SIGNALED = 128

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(source: "Path | None", target: Path, flags: int) -> None:
    outside = None if source is None else os.fsencode(source)
    _check(_libc.mount(outside, os.fsencode(target), None, ctypes.c_ulong(flags), None), f"mount {target}")


def _have_own_mounts() -> None:
    """In a user namespace whose only user is the one that the agent runs as."""
    user, group = os.getuid(), os.getgid()
    _check(_libc.unshare(_NEW_USER | _NEW_MOUNTS), "new namespaces")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _show(outside: Path, place: Path) -> None:
    """Read-only before it is seen: what is changed of a mount later does not reach the cage."""
    restrictions = os.statvfs(outside).f_flag & _NO_PROGRAMS  # may not be taken back
    _mount(outside, outside, _BIND)
    _mount(None, outside, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES | restrictions)
    _mount(outside, place, _BIND)


def _serve(control: socket.socket) -> None:
    message = control.recv(_MESSAGE_BYTES)
    if not message:  # the agent has ended, and this process is about to
        return
    wanted = json.loads(message)
    try:
        _show(Path(wanted["outside"]), Path(wanted["place"]))
    except OSError as error:
        control.send(f"{wanted['outside']}: {error}".encode())
    else:
        control.send(b"shown")


def main(arguments: "list[str]") -> int:
    control = socket.socket(fileno=int(arguments[0]))
    fds = [int(number) for number in arguments[1].split(",")]
    place, command = Path(arguments[2]), arguments[3:]
    _check(_libc.prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0), "die with the agent")
    try:
        _have_own_mounts()
        _mount(place, place, _BIND | _RECURSIVE)
        _mount(None, place, _SHARED)
    except OSError as error:
        print(f"the hatch's keeper has no mounts of its own here: {error}")
        return 1
    cage = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=fds)
    for fd in fds:  # whoever reads them waits for the end of all that have them
        os.close(fd)
    threading.Thread(target=_serve, args=(control,), daemon=True).start()
    status = cage.wait()
    return _SIGNALED - status if status < 0 else status  # as bubblewrap passes a signal on


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
