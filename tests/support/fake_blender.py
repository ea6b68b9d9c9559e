"""A stand-in for Blender that speaks the session's protocol and misbehaves on order.

Run by the script that `fake_runtime` (beside this file) writes: `BEHAVIOUR FOLDER … R W`. A
behaviour is a method below, called after it has said that it is ready. Standard library only.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class _Fake:
    def __init__(self, folder: Path, arguments: list[str]) -> None:
        self.folder, self.arguments = folder, arguments
        self.commands = os.fdopen(int(arguments[-2]))
        self.events_fd = int(arguments[-1])

    def send(self, **event: object) -> None:
        os.write(self.events_fd, json.dumps(event).encode() + b"\n")

    def hang(self) -> None:
        while True:
            time.sleep(60)

    def stubborn_family(self) -> None:
        """Ignores SIGTERM, with a child in its group and one in a session of its own."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleep = [sys.executable, "-c", "import time; time.sleep(300)"]
        same = subprocess.Popen(sleep)
        other = subprocess.Popen(sleep, start_new_session=True)
        (self.folder / "pids").write_text(f"{os.getpid()} {same.pid} {other.pid}")
        self.hang()

    def crash(self) -> None:
        self.commands.readline()
        os.kill(os.getpid(), signal.SIGSEGV)

    def crash_and_leave_a_child(self) -> None:
        self.commands.readline()
        sleep = [sys.executable, "-c", "import time; time.sleep(300)"]
        orphan = subprocess.Popen(sleep, start_new_session=True)
        (self.folder / "pids").write_text(str(orphan.pid))
        os.kill(os.getpid(), signal.SIGSEGV)

    def leave(self) -> None:
        print("Error: the reason is in the log", flush=True)
        self.commands.readline()
        os._exit(7)

    def out_of_memory(self) -> None:
        self.commands.readline()
        os.kill(os.getpid(), signal.SIGKILL)

    def rubbish(self) -> None:
        self.commands.readline()
        os.write(self.events_fd, b"Saved: /tmp/0001.png\n")
        self.hang()

    def malformed(self) -> None:
        self.commands.readline()
        self.send(event="frame_rendered", frame="one")
        self.hang()

    def nested(self) -> None:
        self.commands.readline()
        os.write(self.events_fd, b"[" * 50_000 + b"\n")
        self.hang()

    def endless(self) -> None:
        self.commands.readline()
        os.write(
            self.events_fd,
            b'{"event": "frame_rendered", "frame": 1, "seconds": 1, "files": [], "log_end": Infinity}\n',
        )
        self.hang()

    def unasked(self) -> None:
        self.commands.readline()
        self.send(event="frame_rendered", frame=77, seconds=0.1, files=["0077.png"], log_end=0)
        self.hang()

    def failed_without_a_reason(self) -> None:
        self.commands.readline()
        self.send(event="failed")
        self.hang()

    def chatter(self) -> None:
        self.commands.readline()
        while True:
            self.send(event="bake_progress", kind="cloth", object="x", frame=1, last_frame=2)

    def one_frame_then_hang(self) -> None:
        self.commands.readline()
        self.send(event="frame_rendered", frame=1, seconds=0.1, files=["0001.png"], log_end=0)
        self.hang()

    def tell_environment(self) -> None:
        """Answers the first command by failing, with its environment and arguments in a file."""
        told = {"env": dict(os.environ), "argv": self.arguments, "cwd": str(Path.cwd())}
        (self.folder / "told.json").write_text(json.dumps(told))
        self.hang()


def main() -> None:
    behaviour, folder, *arguments = sys.argv[1:]
    fake = _Fake(Path(folder), arguments)
    if behaviour != "never_ready":
        fake.send(event="ready", version=[4, 5, 0], build="fake", log_end=0)
        getattr(fake, behaviour)()
    fake.hang()


if __name__ == "__main__":
    main()
