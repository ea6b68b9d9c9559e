"""The server that agents' machines speak to: the metadata of each, and Auto Scaling (see `autoscaling`).

An agent's endpoint is `http://127.0.0.1:<port>/<worker id>`; the fleet's log names it. To take a machine away
as Spot does, with 30 s notice, or to recommend that it be replaced, or to have the group end it:

    curl -X PUT -d 30 http://127.0.0.1:<port>/<worker id>/spot
    curl -X PUT http://127.0.0.1:<port>/<worker id>/rebalance
    curl -X PUT http://127.0.0.1:<port>/<worker id>/terminate
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from farm.local.autoscaling import AutoScaling
from farm.local.group import Group, StandingGroup
from farm.local.machines import CompletedAction, Machines, NoSuchMachineError

MAX_TTL_SECONDS = 21_600
DEFAULT_NOTICE_SECONDS = 120.0
_TOKEN_HEADER = "X-aws-ec2-metadata-token"
_AUTOSCALING = "/autoscaling"
_MAX_BODY_BYTES = 64 * 1024

Answer = tuple[HTTPStatus, str]


class MetadataServer:
    """Runs in a thread of the fleet, for this computer alone.

    On its own, as tests use it, its machines are a group that stays as large as it is.
    """

    def __init__(self, machines: Machines | None = None, group: Group | None = None) -> None:
        self.machines = machines or Machines()
        autoscaling = AutoScaling(self.machines, group or StandingGroup(self.machines))
        handler = type("_BoundHandler", (_Handler,), {"machines": self.machines, "autoscaling": autoscaling})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="metadata", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def endpoint_for(self, worker_id: str) -> str:
        """The metadata endpoint of an agent's machine, which is in service from now on."""
        self.machines.add(worker_id)
        return f"{self._base}/{worker_id}"

    @property
    def autoscaling_endpoint(self) -> str:
        return self._base + _AUTOSCALING

    def environment_for(self, worker_id: str) -> dict[str, str]:
        """What leads an agent's clients here."""
        return {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.endpoint_for(worker_id),
            "AWS_ENDPOINT_URL_AUTO_SCALING": self.autoscaling_endpoint,
        }

    def notice_spot(self, worker_id: str, seconds: float) -> None:
        """Spot takes the machine back in so many seconds."""
        self.machines.notice_spot(worker_id, seconds)

    def recommend_rebalance(self, worker_id: str) -> None:
        self.machines.recommend_rebalance(worker_id)

    def terminate(self, worker_id: str) -> None:
        """The machine is to go, protected or not; the group waits for the agent's word."""
        self.machines.terminate(worker_id)

    @property
    def completed(self) -> list[CompletedAction]:
        """Lifecycle actions that were completed, in their order."""
        return self.machines.completed

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    machines: Machines
    autoscaling: AutoScaling

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_PUT(self) -> None:
        self._answer(self._write)

    def do_POST(self) -> None:
        if self.path.startswith(_AUTOSCALING):
            self._send(*self.autoscaling.answer(self._body()))
        else:
            self._send(HTTPStatus.NOT_FOUND, f"{self.path[:80]!r}: expected {_AUTOSCALING}")

    def log_message(self, format: str, *args: object) -> None:
        """Agents ask every other second: nobody reads that."""

    def _answer(self, act: Callable[[str, str], Answer]) -> None:
        _, worker_id, rest = (*urlsplit(self.path).path.split("/", 2), "", "")[:3]
        try:
            self._send(*act(worker_id, rest))
        except NoSuchMachineError:
            self._send(HTTPStatus.NOT_FOUND, f"there is no agent {worker_id}")

    def _read(self, worker_id: str, path: str) -> Answer:
        if not self.machines.knows_token(worker_id, self.headers.get(_TOKEN_HEADER, "")):
            return HTTPStatus.UNAUTHORIZED, ""
        text = self.machines.meta_data(worker_id, path.removeprefix("latest/").removeprefix("meta-data/"))
        return (HTTPStatus.NOT_FOUND, "") if text is None else (HTTPStatus.OK, text)

    def _write(self, worker_id: str, path: str) -> Answer:
        body = self._body()
        if path == "latest/api/token":
            ttl = self.headers.get(f"{_TOKEN_HEADER}-ttl-seconds", "")
            if not (ttl.isascii() and ttl.isdigit() and 1 <= int(ttl) <= MAX_TTL_SECONDS):
                return HTTPStatus.BAD_REQUEST, ""
            return HTTPStatus.OK, self.machines.make_token(worker_id, int(ttl))
        if path == "spot":
            try:
                seconds = float(body or DEFAULT_NOTICE_SECONDS)
            except ValueError:
                return HTTPStatus.BAD_REQUEST, f"{body[:80]!r}: expected seconds"
            self.machines.notice_spot(worker_id, seconds)
        elif path == "rebalance":
            self.machines.recommend_rebalance(worker_id)
        elif path == "terminate":
            self.machines.terminate(worker_id)
        else:
            return HTTPStatus.NOT_FOUND, f"{path[:80]!r}: expected spot, rebalance or terminate"
        return HTTPStatus.OK, f"{worker_id}: {path}\n"

    def _body(self) -> str:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isascii() and length.isdigit() else 0
        return self.rfile.read(min(size, _MAX_BODY_BYTES)).decode("utf-8", "replace")

    def _send(self, status: HTTPStatus, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml" if text.startswith("<") else "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
