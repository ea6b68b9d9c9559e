"""Beats of several threads, and what the service manager hears."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path

import pytest

from tests.support.listening_keeper import a_keeper
from worker_agent.host.service_manager import SOCKET_VARIABLE, ServiceManager
from worker_agent.watchdog import Watchdog, beat_of_this_thread, beating_with, still_alive


def test_it_is_alive_once_each_part_has_beaten_again() -> None:
    alive: list[bool] = []
    watchdog = Watchdog(lambda: alive.append(True))
    work, watch = watchdog.part("work"), watchdog.part("watch")
    work()
    work()
    assert alive == []
    watch()
    assert len(alive) == 1
    watch()
    watch()
    assert len(alive) == 1, "a thread beats for no other"
    work()
    assert len(alive) == 2


def test_two_threads_cannot_beat_as_one() -> None:
    watchdog = Watchdog(lambda: None)
    watchdog.part("work")
    with pytest.raises(ValueError, match="'work'"):
        watchdog.part("work")


def test_a_thread_that_nobody_watches_says_nothing() -> None:
    beats: list[bool] = []
    still_alive()
    with beating_with(lambda: beats.append(True)):
        still_alive()
        beat_of_this_thread()()
    still_alive()
    beat_of_this_thread()()
    assert len(beats) == 2


def test_the_manager_hears_it_and_children_do_not_know_of_it(tmp_path: Path) -> None:
    with a_keeper(tmp_path) as keeper:
        env = {SOCKET_VARIABLE: keeper.address}
        manager = ServiceManager.taken_from(env)
        manager.ready()
        manager.ready()
        manager.alive()
        manager.stopping()
        deadline = time.monotonic() + 5
        while not keeper.has_heard("STOPPING=1") and time.monotonic() < deadline:
            time.sleep(0.01)
    assert env == {}
    said = [state.splitlines()[0] for _, state in keeper.heard[:3]]
    assert said == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_an_abstract_socket_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("")  # the system chooses an abstract name
        name = listening.getsockname()[1:].decode()
        ServiceManager(f"@{name}").alive()
        listening.settimeout(5)
        assert listening.recv(100) == b"WATCHDOG=1"


def test_a_manager_that_is_gone_or_does_not_listen_holds_nobody_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ServiceManager().alive()
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf, caplog.at_level(logging.WARNING):
        deaf.bind(address)
        manager = ServiceManager(address)
        began = time.monotonic()
        for _ in range(2000):
            manager.alive()
        assert time.monotonic() - began < 5
        assert len(caplog.records) == 1
