"""A Blender that renders small real PNGs and misbehaves on order: `fake_blender.py FOLDER … -- R W`.

It speaks the session's protocol (worker_agent/blender/inside). Every attempt at a frame adds a line to the
job's log in FOLDER (see log_book.py): what was done, and how often an order was obeyed so far, whoever was
killed meanwhile. It starts as quickly as Python can. Standard library only.
"""

import json
import os
import signal
import sys
import time

from tests.faults.chaos.log_book import LogBook
from tests.faults.chaos.orders import Order, parse_orders
from tests.faults.chaos.picture import HEIGHT, WIDTH, picture

VERSION = (4, 5, 15)
NO_CAMERA = "no_camera"
"""A scene of this name is refused when it is opened."""
OPENING = 0
"""An order for this frame is one for opening the file before the bake."""
SLOW_SECONDS = 1.0


class _Session:
    def __init__(self, folder: str, commands_fd: int, events_fd: int) -> None:
        self.folder = folder
        self.events_fd = events_fd
        self.commands_fd = commands_fd
        self.book = LogBook(folder, "")
        self.orders: dict[int, Order] = {}
        self.output = ""

    def send(self, event: str, **fields: object) -> None:
        fields["log_end"] = os.fstat(1).st_size
        data = memoryview(json.dumps({"event": event, **fields}).encode() + b"\n")
        while data:
            data = data[os.write(self.events_fd, data) :]

    def greet(self, _: "dict[str, object]") -> None:
        self.send("greeted")

    def open(self, command: "dict[str, object]") -> None:
        blend, options = str(command["blend"]), command["options"]
        assert isinstance(options, dict)
        scene = str(options.get("scene", "scene"))
        for_bake = bool(command["for_bake"])
        # the file lies in jobs/<job_id>/<a folder of one bake>/
        self.book = LogBook(self.folder, blend.split("/jobs/")[1].split("/")[0])
        self.book.write("open_for_bake" if for_bake else "open", OPENING)
        if scene == NO_CAMERA:
            reason = f'The scene "{scene}" has no camera to render from.'
            self.send("failed", during="open", code="no_camera", reason=reason, frame=None)
            return
        self.orders = parse_orders(scene)
        if for_bake:
            self.obey(OPENING)
        self.send("opened", report=_report(scene), device={"kind": "CPU", "name": "", "note": ""})

    def render(self, command: "dict[str, object]") -> None:
        self.output = str(command["output"])
        os.makedirs(self.output, exist_ok=True)  # noqa: PTH103 - pathlib takes a while to load
        frames = command["frames"]
        assert isinstance(frames, list)
        for frame in frames:
            self.book.write("begin", frame)
            print(f"Fra:{frame} Mem:8.00M", flush=True)
            if self.obey(frame):
                return
            self.write_file(frame, picture(self.book.job_id, frame))
            self.book.write("rendered", frame)
            self.rendered(frame)
        self.send("render_finished")

    def obey(self, frame: int) -> bool:
        """Misbehave if the frame has an order that is not used up. True: nothing more is to be said."""
        order = self.orders.get(frame)
        if order is None or self.book.is_mended():
            return False
        if order.times is not None and self.book.count(order.name, frame) >= order.times:
            return False
        self.book.write(order.name, frame)
        misbehave = getattr(Misbehaviour, order.name)
        return bool(misbehave(self, frame))

    def write_file(self, frame: int, content: bytes) -> None:
        with open(f"{self.output}/{frame:04d}.png", "wb") as file:  # noqa: PTH123 - as above
            file.write(content)

    def rendered(self, frame: int) -> None:
        self.send("frame_rendered", frame=frame, seconds=0.01, files=[f"{frame:04d}.png"])


class Misbehaviour:
    """Each is named as orders name it, and says whether the frame was answered for."""

    @staticmethod
    def crash(session: _Session, frame: int) -> bool:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
        return True

    @staticmethod
    def hang(session: _Session, frame: int) -> bool:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(60)

    @staticmethod
    def family(session: _Session, frame: int) -> bool:
        """Hangs with two children that ignore signals, one in a session of its own."""
        _grandchild(session, own_session=False)
        _grandchild(session, own_session=True)
        return Misbehaviour.hang(session, frame)

    @staticmethod
    def orphan(session: _Session, frame: int) -> bool:
        """Crashes, and leaves a child in a session of its own behind."""
        _grandchild(session, own_session=True)
        return Misbehaviour.crash(session, frame)

    @staticmethod
    def leave(session: _Session, frame: int) -> bool:
        """Ends with exit code 0 and no file."""
        os._exit(0)

    @staticmethod
    def absent(session: _Session, frame: int) -> bool:
        """Says that it has rendered, and wrote no file."""
        session.rendered(frame)
        session.send("render_finished")
        return True

    @staticmethod
    def half(session: _Session, frame: int) -> bool:
        """A picture that is cut off."""
        whole = picture(session.book.job_id, frame)
        session.write_file(frame, whole[: len(whole) // 2])
        return Misbehaviour.absent(session, frame)

    @staticmethod
    def empty(session: _Session, frame: int) -> bool:
        session.write_file(frame, b"")
        return Misbehaviour.absent(session, frame)

    @staticmethod
    def error(session: _Session, frame: int) -> bool:
        reason = f"Blender could not render at frame {frame}: the shader is made of cheese"
        session.send("failed", during="render", code="render_error", reason=reason, frame=frame)
        return True

    @staticmethod
    def memory(session: _Session, frame: int) -> bool:
        """What the kernel does to who takes too much."""
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    @staticmethod
    def slow(session: _Session, frame: int) -> bool:
        """Takes a while, and is right in the end."""
        time.sleep(SLOW_SECONDS)
        return False


def _grandchild(session: _Session, *, own_session: bool) -> None:
    if os.fork():
        return
    os.close(session.commands_fd)
    os.close(session.events_fd)
    if own_session:
        os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # kept by what is executed
    os.execv("/bin/sleep", ["sleep", "900"])


MAIN = {
    "suffixes": [""],
    "extension": ".png",
    "file_format": "PNG",
    "color_depth": 8,
    "multilayer": False,
    "width": WIDTH,
    "height": HEIGHT,
}
"""The picture that every frame writes (worker_agent.blender.report)."""


def _report(scene: str) -> "dict[str, object]":
    return {
        "scene": scene[:60],
        "frame_start": 1,
        "frame_end": 1,
        "frame_step": 1,
        "fps": 24.0,
        "engine": "CYCLES",
        "file_format": "PNG",
        "extension": ".png",
        "width": WIDTH,
        "height": HEIGHT,
        "camera": "Camera",
        "simulations": [],
        "scenes": [],
        "missing_files": [],
        "missing_file_count": 0,
        "frame_outputs": {"main": MAIN, "node_files": []},
        "color_view": {
            "stored_in": "",
            "display": "sRGB",
            "view": "Standard",
            "look": "None",
            "exposure": 0.0,
            "gamma": 1.0,
            "curves": False,
            "white_balance": False,
        },
        "notes": [],
    }


def main() -> None:
    folder, *arguments = sys.argv[1:]
    if "--version" in arguments:
        print("Blender {}.{}.{}".format(*VERSION))
        return
    commands_fd, events_fd = int(arguments[-2]), int(arguments[-1])
    session = _Session(folder, commands_fd, events_fd)
    session.send("ready", version=VERSION, build="fake")
    with os.fdopen(commands_fd, encoding="utf-8", closefd=False) as lines:
        for line in lines:
            command = json.loads(line)
            getattr(session, command["do"])(command)


if __name__ == "__main__":
    main()
