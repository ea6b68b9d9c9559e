"""Who comes of a process, as the kernel tells it: with real ones."""

import subprocess
import sys

import psutil
import pytest

from worker_agent.cage import family
from worker_agent.cage.family import close_family

PROGRAM = """
import os, threading, time

def fork_twice():
    if os.fork() == 0:
        os.fork()
        print(flush=True)
        time.sleep(60)
        os._exit(0)

def stay():
    fork_twice()
    time.sleep(60)  # the children of a thread that has ended are the main thread's

for _ in range(3):
    fork_twice()
threading.Thread(target=stay).start()
time.sleep(60)
"""


@pytest.mark.parametrize("at_a_time", [family._READ_BYTES, 3], ids=["at once", "in pieces"])
def test_children_of_every_thread_and_theirs_are_found(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(family, "_READ_BYTES", at_a_time)
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for _ in range(8):  # each says that it is there
            process.stdout.readline()
        parent = psutil.Process(process.pid)
        children = parent.children(recursive=True)
        try:
            assert len(children) == 8
            assert sorted(close_family(process.pid)) == sorted(child.pid for child in children)
        finally:
            for one in (*children, parent):
                one.kill()


def test_nobody_comes_of_who_is_gone() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert close_family(process.pid) == []
