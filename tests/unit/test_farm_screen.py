"""What is printed is what was said: names come from strangers."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from PIL import Image
from rich.console import Console

from contract.job import JobState, Progress
from contract.record_reader import RecordReader
from contract.worker_record import Doing, WorkerRecord
from farm.follow import Snapshot
from farm.last_frame import LastFrame
from farm.live_screen import LiveScreen
from farm.screen import PlainScreen, make_screen, say, words
from farm.terminal_picture import PictureProtocol
from farm.watch import Watch
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


def a_worker(number: int) -> WorkerRecord:
    now = int(time.time())
    return WorkerRecord(
        worker_id=f"i-{number:02}\x1b[2J",
        doing=Doing.RENDER,
        job_id=JOB.job_id,
        frame=number,
        since=now - 20,
        seen_at=now,
        recent_seconds=(30.0,),
    )


def test_the_page_has_a_line_for_each_worker_that_it_has_room_for() -> None:
    console, text = paper(terminal=True)
    console.height = 20
    job = replace(JOB, state=JobState.RENDERING, microdollars=1_230_000)
    progress = Progress(total=90, done=30, failed=1, seconds=900, last_frame=29, last_frame_at="2026")
    with make_screen(console) as screen:
        screen.show(Snapshot(job=job, progress=progress, workers=tuple(map(a_worker, range(40)))))
    said = text.getvalue()
    for words_ in (
        *("30 of 90, 1 failed frames", "80.0 frames a minute", "44 s left", "$1.23 so far"),
        *("i-00�[2J  frame 0 for 2", "(usually 30 s)", "i-11", "and 28 more workers", "last done: frame 29"),
    ):
        assert words_ in said, said
    assert "i-12" not in said


def test_pictures_stay_above_the_page() -> None:
    console, text = paper(terminal=True)
    file = io.BytesIO()
    Image.new("RGB", (64, 36), "teal").save(file, "JPEG")
    last = LastFrame(lambda job, frame: file.getvalue(), PictureProtocol.KITTY)
    progress = Progress(total=4, done=1, last_frame=1, last_frame_at="2026")
    with make_screen(console, last) as screen:
        screen.show(Snapshot(job=replace(JOB, state=JobState.RENDERING), progress=progress))
    assert text.getvalue().count("\x1b_Ga=T") == 1
    plain, text = paper()
    with make_screen(plain, last) as screen:
        screen.show(Snapshot(job=replace(JOB, state=JobState.RENDERING), progress=progress))
    assert "\x1b" not in text.getvalue()


def test_a_held_job_says_by_what_it_is_held_and_how_it_goes_on() -> None:
    """All of it, on a narrow terminal too."""
    why = "this month's estimate is $51 of the budget of $50: it goes on with `farm release JOB`"
    snapshot = Snapshot(job=replace(JOB, state=JobState.HELD, reason=why))
    assert words(snapshot) == f"held by the budget: {why}"
    console, text = paper(terminal=True)
    console.width = 60
    with make_screen(console) as screen:
        screen.show(snapshot)
    assert "`farm release JOB`" in text.getvalue()


def test_nobody_is_told_of_machines_while_the_budget_holds_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    states = (JobState.HELD, JobState.HELD, JobState.QUEUED)
    told = watched(monkeypatch, [Snapshot(job=replace(JOB, state=s), quiet_seconds=40.0) for s in states])
    assert told == ["held by the budget", "waiting for a worker", "nothing new for 40 s: no machine"]


def watched(
    monkeypatch: pytest.MonkeyPatch,
    seen: list[Snapshot],
    explain: Callable[[], str] = lambda: "no machine",
) -> list[str]:
    """What is said while this happens."""
    console, text = paper()
    monkeypatch.setattr("farm.watch.follow", lambda *_, **__: iter(seen))
    Watch(records=RecordReader(None, "t"), job_id="a", screen=PlainScreen(console), explain=explain).run()
    return text.getvalue().splitlines()


def test_a_watch_goes_on_when_nobody_may_ask_what_the_machines_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> str:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeAutoScalingGroups")

    rendering = replace(JOB, state=JobState.RENDERING)
    seen = [Snapshot(job=rendering, quiet_seconds=40.0), Snapshot(job=replace(JOB, state=JobState.DONE))]
    assert watched(monkeypatch, seen, refused) == ["rendering", "nothing new for 40 s", "done"]


def test_someone_who_waits_long_is_told_what_the_farm_does(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = [0.0, 29.0, 31.0, 40.0, 62.0, 0.0, 31.0]
    job = replace(JOB, state=JobState.DONE)
    said = watched(monkeypatch, [Snapshot(job=job, quiet_seconds=seconds) for seconds in quiet])
    told = [line for line in said if line.startswith("nothing new")]
    assert told == [f"nothing new for {seconds} s: no machine" for seconds in (31, 62, 31)]
