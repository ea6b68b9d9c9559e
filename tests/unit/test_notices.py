"""What the agent hears from its machine: the client and the watcher against the laptop farm's real server."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from farm.local.machines import Machines
from farm.local.metadata import MetadataServer
from tests.unit.test_departure import REBALANCE, SCALE_IN, SPOT, Clock
from worker_agent.interruptions.departure import Departure, Notice
from worker_agent.interruptions.metadata import TOKEN_SECONDS, MetadataClient
from worker_agent.interruptions.notices import read_rebalance, read_spot, read_target_state
from worker_agent.interruptions.watcher import NoticeWatcher

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
WORKER = "local-1"


@pytest.fixture
def server(clock: Clock) -> Iterator[MetadataServer]:
    server = MetadataServer(Machines(clock))
    server.start()
    server.endpoint_for(WORKER)
    yield server
    server.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(server: MetadataServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> MetadataClient:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # asked by nobody
    return MetadataClient(server.endpoint_for(WORKER), clock)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('{"action": "terminate", "time": "2026-01-01T12:01:30Z"}', 90),
        ('{"action": "stop", "time": "2026-01-01T11:59:00Z"}', 0),
        ('{"action": "terminate", "time": "2026-01-01T13:00:00Z"}', 120),  # one of the clocks is wrong
        ('{"action": "terminate", "time": "2026-01-01T12:00:10"}', 10),
        ('{"action": "terminate", "time": "soon"}', 0),
        ('{"action": "terminate"}', 0),
        ("[" * 100_000, 0),
        ("[1]", 0),
    ],
)
def test_a_spot_notice_says_when(text: str, seconds: float) -> None:
    notice = read_spot(text, NOW)
    assert (notice.kind, notice.seconds) == (SPOT, seconds)
    assert notice.name


def test_a_rebalance_recommendation_is_known_by_its_time() -> None:
    assert read_rebalance('{"noticeTime": "2026-01-01T12:00:00Z"}') == Notice(
        kind=REBALANCE, seconds=120, name="2026-01-01T12:00:00Z"
    )


def test_only_a_machine_that_is_to_be_terminated_has_to_go() -> None:
    assert read_target_state("InService") is None
    assert read_target_state("Terminated") == Notice(kind=SCALE_IN, seconds=120)


def test_the_client_reads_what_is_there(client: MetadataClient, server: MetadataServer) -> None:
    assert client.get("instance-id") == WORKER
    assert client.get("spot/instance-action") is None
    server.notice_spot(WORKER, 60)
    assert "terminate" in (client.get("spot/instance-action") or "")


def test_a_token_is_used_again_and_renewed_before_it_ends(
    client: MetadataClient, server: MetadataServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make = server.machines.make_token

    def count(worker_id: str, ttl_seconds: int) -> str:
        made.append(ttl_seconds)
        return make(worker_id, ttl_seconds)

    monkeypatch.setattr(server.machines, "make_token", count)
    client.get("instance-id")
    client.get("instance-id")
    assert made == [TOKEN_SECONDS]
    clock.now += TOKEN_SECONDS - 100
    assert client.get("instance-id") == WORKER
    assert made == [TOKEN_SECONDS] * 2


def test_a_token_that_the_service_forgot_is_renewed(client: MetadataClient, server: MetadataServer) -> None:
    client.get("instance-id")
    server.machines.remove(WORKER)
    server.machines.add(WORKER)
    assert client.get("instance-id") == WORKER


def test_without_a_token_nothing_is_told(server: MetadataServer) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(f"{server.endpoint_for(WORKER)}/latest/meta-data/instance-id")
    refused.value.close()


def test_a_person_sends_a_notice_with_one_put(server: MetadataServer, client: MetadataClient) -> None:
    for name, body in (("spot", b"30"), ("rebalance", b""), ("terminate", b"")):
        url = f"{server.endpoint_for(WORKER)}/{name}"
        urllib.request.urlopen(urllib.request.Request(url, data=body, method="PUT")).close()
    departure = Departure()
    NoticeWatcher(client, departure).look()
    assert all(departure.has(kind) for kind in (SPOT, REBALANCE, SCALE_IN))
    assert 25 < departure.seconds_left() <= 30


def test_the_watcher_backs_off_and_says_so_once(
    client: MetadataClient, server: MetadataServer, caplog: pytest.LogCaptureFixture
) -> None:
    departure = Departure()
    watcher = NoticeWatcher(client, departure, jitter=lambda _, high: high)
    caplog.set_level("INFO")
    assert watcher.look() == 2
    server.machines.remove(WORKER)  # every answer is 404 now, also to what asks for a token
    client._renew_at = 0
    assert [watcher.look() for _ in range(7)] == [4, 8, 16, 32, 60, 60, 60]
    server.machines.add(WORKER)
    assert watcher.look() == 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert not departure.leaving


def test_a_machine_without_the_service_costs_nothing_but_a_word() -> None:
    departure = Departure()
    watcher = NoticeWatcher(MetadataClient("http://127.0.0.1:1"), departure)
    assert 2 <= watcher.look() <= 4
    watcher.start()
    watcher.stop()
    assert not departure.leaving


def test_a_path_that_fails_hides_no_notice(
    client: MetadataClient, server: MetadataServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = MetadataClient.get

    def fail_on_spot(client: MetadataClient, path: str) -> str | None:
        if path.startswith("spot"):
            raise http.client.RemoteDisconnected("gone")
        return get(client, path)

    monkeypatch.setattr(MetadataClient, "get", fail_on_spot)
    server.terminate(WORKER)
    departure = Departure()
    assert NoticeWatcher(client, departure).look() >= 2
    assert departure.kind is SCALE_IN


def test_a_service_that_hangs_is_not_waited_for() -> None:
    released = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            released.wait(20)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Silent) as hanging:
        threading.Thread(target=hanging.handle_request).start()
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            MetadataClient(f"http://127.0.0.1:{hanging.server_port}").get("instance-id")
        assert time.monotonic() - began < 5
        released.set()
