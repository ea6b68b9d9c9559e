"""A real agent process whose services refuse, hang up or hang: it lives, waits, and goes when asked."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contract.settings import AgentSettings

ROOT = Path(__file__).resolve().parents[2]
WATCHED_SECONDS = 6.0


@dataclass
class Endpoint:
    """Stands in for every service: all fail alike."""

    how: str
    calls: list[float] = field(default_factory=list)
    url: str = ""


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            endpoint.calls.append(time.monotonic())
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if endpoint.how == "hangs up":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            code = {"fails": 500, "refuses": 403}[endpoint.how]
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = answer  # noqa: N815  # the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def endpoint(how: str) -> Iterator[Endpoint]:
    told = Endpoint(how)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(told))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def start_agent(folder: Path, services: Endpoint) -> subprocess.Popen[bytes]:
    for name in ("scratch", "work"):
        (folder / name).mkdir()
    settings = AgentSettings(
        render_bucket_name="renders",
        job_table_name="jobs",
        bake_queue_url=f"{services.url}/1/bake",
        render_queue_url=f"{services.url}/1/render",
        urgent_queue_url=f"{services.url}/1/urgent",
        dead_letter_queue_url=f"{services.url}/1/dead",
        cloudwatch_namespace="farm",
        worker_asg_name="workers",
        worker_id="worker-1",
        scratch_directory=str(folder / "scratch"),
        work_directory=str(folder / "work"),
        blender_runtimes=f"4.5.15={sys.executable}",
        blender_directory=str(folder / "blenders"),
        worker_version="worker-1",
        deploy_version="deploy-1",
        lease_seconds=120,
        poll_seconds=1,
        idle_seconds=2,
        blender_sessions=1,
        log_group_name="/farm/workers",
    )
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        **settings.to_env(),
        "AWS_ENDPOINT_URL": services.url,
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": services.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    with (folder / "agent.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "worker_agent"], cwd=ROOT, env=env, stdout=log, stderr=log
        )


@pytest.mark.parametrize("how", ["fails", "refuses", "hangs up"])
def test_an_agent_whose_services_are_away_lives_and_does_not_spin(tmp_path: Path, how: str) -> None:
    with endpoint(how) as services:
        agent = start_agent(tmp_path, services)
        try:
            deadline = time.monotonic() + 30
            while not services.calls and time.monotonic() < deadline:
                time.sleep(0.05)
            assert services.calls, (tmp_path / "agent.log").read_text()
            time.sleep(WATCHED_SECONDS)
            seen = list(services.calls)
            assert agent.poll() is None, (tmp_path / "agent.log").read_text()
            agent.send_signal(signal.SIGTERM)
            agent.wait(10)
        finally:
            agent.kill()
            agent.wait()
    first_seconds = [at for at in seen if at < seen[0] + WATCHED_SECONDS]
    assert len(first_seconds) <= 18, "ever fewer; what follows is measured with the loop's own clock"
    assert "could not work; trying again" in (tmp_path / "agent.log").read_text()
