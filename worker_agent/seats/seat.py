"""Where one Blender at a time is open on this worker, with the clock of what it renders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from worker_agent.runtimes.shelf import BlenderShelf
from worker_agent.seats.frame_clock import FrameClock
from worker_agent.seats.scene_sessions import SceneSessions


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Seat:
    sessions: SceneSessions
    clock: FrameClock


def make_sessions(
    count: int,
    shelf: BlenderShelf,
    work_directory: Path,
    *,
    cage: frozenset[str] | None,
    stopped: Callable[[], bool] = lambda: False,
    projects: Path | None = None,
) -> tuple[SceneSessions, ...]:
    """So many, each with a folder of its own; the first one's is the work directory itself.

    It is the one that a new job comes to, so the spare Blender is there: `projects` is where the jobs' are.
    """
    folders = [work_directory / f"seat-{number}" for number in range(2, count + 1)]
    return (
        SceneSessions(shelf, work_directory, cage=cage, stopped=stopped, projects=projects),
        *(SceneSessions(shelf, folder, cage=cage, stopped=stopped) for folder in folders),
    )


def close_all(sessions: Sequence[SceneSessions]) -> None:
    """Together: one that the system does not let go of takes five seconds, and this machine may soon go."""
    with ThreadPoolExecutor(len(sessions)) as threads:
        for closing in [threads.submit(one.end) for one in sessions]:
            closing.result()


def make_seats(
    sessions: Iterable[SceneSessions], *, changed: Callable[[], None] = lambda: None
) -> tuple[Seat, ...]:
    """`changed` is called when a frame has begun at one of them."""
    return tuple(Seat(sessions=one, clock=FrameClock(changed=changed)) for one in sessions)
