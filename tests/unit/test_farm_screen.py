"""What is printed is what was said: names come from strangers."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from contract.job import JobState, Progress
from farm.follow import Snapshot
from farm.live_screen import LiveScreen
from farm.screen import PlainScreen, make_screen, say, words
from tests.unit.test_farm_jobs import JOB


def paper(*, terminal: bool = False) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=200), text


def test_no_markup_and_no_terminal_commands() -> None:
    console, text = paper()
    say(console, "[red]x[/red] [link=file:///etc]y\x1b]0;title\x07 \x9b2J")
    assert text.getvalue() == "[red]x[/red] [link=file:///etc]y�]0;title� �2J\n"


def test_plain_lines_only_when_something_changed() -> None:
    console, text = paper()
    screen = make_screen(console)
    assert isinstance(screen, PlainScreen)
    with screen:
        screen.show(Snapshot(job=None))
        rendering = replace(JOB, state=JobState.RENDERING)
        for done in (0, 0, 1):
            screen.show(Snapshot(job=rendering, progress=Progress(total=4, done=done)))
    assert text.getvalue().splitlines() == [
        "waiting for the farm to hear of it",
        "rendering: 0 of 4 frames",
        "rendering: 1 of 4 frames",
    ]


def test_a_terminal_gets_a_bar() -> None:
    console, text = paper(terminal=True)
    screen = make_screen(console)
    assert isinstance(screen, LiveScreen)
    with screen:
        screen.step("starting [bold]")
        screen.show(Snapshot(job=replace(JOB, state=JobState.RENDERING), progress=Progress(total=4, done=3)))
        screen.note("frame 3: /out/[x].png")
    assert "frame 3: /out/[x].png" in text.getvalue()
    assert "3 of 4 frames" in text.getvalue()


def test_a_bake_tells_what_it_is_at_and_how_far() -> None:
    progress = {"kind": "cloth", "object": "Sheet", "frame": 12, "last_frame": 250}
    job = replace(JOB, state=JobState.BAKING, bake_progress=progress)
    assert words(Snapshot(job=job)) == "baking cloth of Sheet: frame 12 of 250"
    assert words(Snapshot(job=replace(job, bake_progress={}))) == "inspecting and baking"
    assert words(Snapshot(job=replace(job, state=JobState.RENDERING))) == "rendering"


def test_a_job_that_waits_for_a_machine_says_why() -> None:
    job = replace(JOB, state=JobState.QUEUED, waiting_for="AWS has no Spot machine")
    assert words(Snapshot(job=job)) == "waiting for a worker: AWS has no Spot machine"
