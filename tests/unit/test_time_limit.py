"""Calls that may hang, from several threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from worker_agent.time_limit import TimeLimit


def test_each_of_several_threads_gets_its_own_answer() -> None:
    limit = TimeLimit("probe", 20)

    def call(number: int) -> str:
        def answer() -> str:
            time.sleep(0.001)
            return str(number)

        return limit.call(answer, late="late")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(200))) == [str(number) for number in range(200)]


def test_a_call_that_hangs_is_late_for_everybody_and_not_made_twice() -> None:
    limit, hanging, calls = TimeLimit("probe", 0.05), threading.Event(), list[int]()

    def hang() -> str:
        calls.append(1)
        hanging.wait(20)
        return "here"

    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(lambda _: limit.call(hang, late="late"), range(3))) == ["late"] * 3
        assert len(calls) == 1
    finally:
        hanging.set()
    assert TimeLimit("probe", 20).call(lambda: "here", late="late") == "here"
