"""A scene that runs a program when it is opened: it tries all that a stranger's scene must not do.

`main` (run with bpy) writes the .blend. What the program tries is in the targets file beside it; what came
of each attempt it writes to `attempts.json` in its home. It bounds itself where success
would take the machine down.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

TARGETS = "targets.json"
ATTEMPTS = "attempts.json"
ATTACK = r"""
import bpy, ctypes, json, os, signal, socket, struct, time, urllib.request
targets = json.load(open(os.path.join(os.path.dirname(bpy.data.filepath), "targets.json")))
tried = {}

def attempt(name):
    def run(program):
        try:
            said = program()
            tried[name] = "succeeded" if said is None else str(said)
        except BaseException as error:
            tried[name] = f"failed: {type(error).__name__}: {error}"
    return run

@attempt("metadata address")
def _():
    socket.create_connection(("169.254.169.254", 80), timeout=1).close()

@attempt("metadata service on loopback")
def _():
    urllib.request.urlopen(targets["metadata"] + "/latest/meta-data/", timeout=2).read()

@attempt("abstract socket")
def _():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0" + targets["abstract_socket"])

@attempt("name server")
def _():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.sendto(b"hello", ("127.0.0.1", targets["dns_port"]))
        s.recv(10)

@attempt("environment")
def _():
    assert targets["secret"] in json.dumps(dict(os.environ)), "no secret in it"

@attempt("the agent's environment")
def _():
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                text = open(f"/proc/{pid}/environ", "rb").read()
            except OSError:
                continue
            if targets["secret"].encode() in text:
                return
    raise LookupError("no process has the secret")

@attempt("credentials file")
def _():
    open(targets["credentials"]).read()

@attempt("password file")
def _():
    open("/etc/passwd").read()

@attempt("another job's folder")
def _():
    open(targets["other_job"]).read()

@attempt("list the jobs")
def _():
    there = os.listdir(os.path.dirname(os.path.dirname(targets["other_job"])))
    assert os.path.basename(os.path.dirname(targets["other_job"])) in there, there

@attempt("write beside")
def _():
    open(targets["outside"], "w").write("I was here")

@attempt("write into the project")
def _():
    open(bpy.data.filepath + ".mine", "w").write("I was here")

@attempt("write over the farm's program")
def _():
    with open(targets["program"], "r+b"):
        pass

@attempt("make a folder at the root")
def _():
    os.mkdir(targets["root_folder"])
    os.rmdir(targets["root_folder"])

@attempt("kill the agent")
def _():
    os.kill(targets["agent_pid"], 0)
    name = open(f"/proc/{targets['agent_pid']}/cmdline").read()
    assert targets["agent_pid"] > 2 and "python" in name, name

@attempt("shared memory of the agent")
def _():
    open("/dev/shm/" + targets["shared_memory"]).read()

@attempt("own user namespace")
def _():
    # in a child, for success would change this process
    pid = os.fork()
    if pid == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(0x10000000) == 0 else 1)
    assert os.waitpid(pid, 0)[1] == 0, "not allowed"

@attempt("mount")
def _():
    place = os.path.join(os.environ["HOME"], "mounted")
    os.mkdir(place)
    if ctypes.CDLL(None, use_errno=True).mount(b"none", place.encode(), b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")
    ctypes.CDLL(None).umount(place.encode())

@attempt("fill memory folders")
def _():
    size = 0
    for folder in ("/tmp", "/dev/shm"):
        path = f"{folder}/{targets['shared_memory']}.filling"
        try:
            with open(path, "wb", buffering=0) as file:
                for _ in range(targets["filling_megabytes"]):
                    size += file.write(b"x" * 2**20)
        finally:
            os.unlink(path)

@attempt("fill the disk with a file")
def _():
    path = os.path.join(os.environ["HOME"], "filling")
    try:
        with open(path, "wb", buffering=0) as file:
            for _ in range(targets["filling_megabytes"]):
                file.write(b"x" * 2**20)
    finally:
        os.unlink(path)

@attempt("take all memory")
def _():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    # reserved, not touched: outside the cage that takes nothing from the machine
    if libc.mmap(None, ctypes.c_size_t(targets["memory_bytes"]), 3, 0x4022, -1, 0) == 2**64 - 1:
        raise MemoryError("refused")

@attempt("fork without end")
def _():
    began = time.monotonic()
    children = []
    for _ in range(targets["forks"]):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
            os._exit(0)
        children.append(pid)
    time.sleep(1)
    alive = 0
    for pid in children:
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            alive += 1
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    assert alive > targets["processes"], f"{alive} were left of {len(children)}"

with open(os.path.join(os.environ["HOME"], "attempts.json"), "w") as file:
    json.dump(tried, file, indent=1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the scene goes for; all of it is there, and may be had by whoever is not in a cage."""

    metadata: str
    abstract_socket: str
    dns_port: int
    secret: str
    credentials: str
    other_job: str
    outside: str
    program: str
    root_folder: str
    agent_pid: int
    shared_memory: str
    filling_megabytes: int
    memory_bytes: int
    forks: int
    processes: int

    def write(self, project: Path) -> None:
        (project / TARGETS).write_text(json.dumps(asdict(self)))


def main(blend: str) -> None:
    """Run in a Blender."""
    import bpy

    from tests.support.scenes import base_scene

    base_scene()
    text = bpy.data.texts.new("attack.py")
    text.write(ATTACK)
    text.use_module = True
    bpy.ops.wm.save_as_mainfile(filepath=blend, compress=False)
