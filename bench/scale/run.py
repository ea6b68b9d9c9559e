"""One run in a process of its own: so many agents, frames of such a length, clocks of such a speed.

    python -m bench.scale.run AGENTS FRAME_SECONDS FRAMES_EACH SPEED QUEUED SHARE

QUEUED frames at least are in the queue. With SHARE 1, not 0, looks that do not wait find a random share.

Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import NoReturn

from bench.scale import slow_clock

_FIRST_FRAMES = 2
"""Of each agent, that are not counted: it loads, and the queue settles."""
_SPARE_FRAMES = 15
"""For each agent, that are never reached: nobody runs out of work while it is measured."""
_THREAD_STACK_BYTES = 512 * 1024
_SWITCH_SECONDS = 0.05
"""A thread that wants the interpreter asks for it so seldom: of ten thousand, many may want it at once."""
_START_FRAMES = 4
"""Over the time of so many frames the agents start."""
_LONGEST_SECONDS = 600
"""Of any part of a run."""


def main(
    agents: int, frame_seconds: float, frames_each: int, speed: float, queued: int, share: bool
) -> NoReturn:
    slow_clock.take_over()
    # what keeps a clock's function as a default has to see the turned ones
    import logging
    import tempfile
    import threading
    import time
    from pathlib import Path

    from bench.aws_in_memory import Services
    from bench.scale.fleet import Names, a_fleet, session_of
    from bench.scale.job import RenderedJob
    from bench.scale.ledger import Ledger
    from bench.scale.outcome import outcome
    from bench.scale.waiting import wait_until

    logging.getLogger().setLevel(logging.ERROR)
    threading.stack_size(_THREAD_STACK_BYTES)
    sys.setswitchinterval(_SWITCH_SECONDS)
    services, names = Services(share_on_short_polls=share), Names()
    queued = max(queued, agents * (_FIRST_FRAMES + frames_each + _SPARE_FRAMES))
    job = RenderedJob(services, names, queued)

    with (
        tempfile.TemporaryDirectory() as folder,
        a_fleet(Path(folder), session_of(services), names, frame_seconds=frame_seconds) as fleet,
    ):
        begun = Ledger.now(services, job)
        fleet.add()
        wait_until(lambda: job.frames_are_sent, seconds=_LONGEST_SECONDS)
        fanned_out = Ledger.now(services, job).since(begun)
        job.keep_open()
        slow_clock.turn(speed)
        for _ in range(agents - 1):
            time.sleep(_START_FRAMES * frame_seconds / agents)  # machines do not start in step
            fleet.add()
        print(f"{agents} agents are started", file=sys.stderr)
        wait_until(lambda: job.frames_done >= _FIRST_FRAMES * agents, seconds=_LONGEST_SECONDS)
        print(f"{agents} agents are at work", file=sys.stderr)
        first = Ledger.now(services, job)
        wait_until(lambda: job.frames_done >= first.frames + frames_each * agents, seconds=_LONGEST_SECONDS)
        measured = Ledger.now(services, job).since(first)
        found = outcome(
            agents=agents,
            frame_seconds=frame_seconds,
            speed=speed,
            share_on_short_polls=share,
            frames_queued=queued,
            fanned_out=fanned_out,
            measured=measured,
            units=services.table.units,
        )
        print(json.dumps(found), flush=True)
        # a thousand agents that end in good order take minutes, of which nothing is measured
        logging.disable()  # they find their folders gone
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


if __name__ == "__main__":
    _, count, length, each, pace, least, some = sys.argv
    main(int(count), float(length), int(each), float(pace), int(least), bool(int(some)))
