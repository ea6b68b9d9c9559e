"""The janitor on a real folder with a hundred jobs' folders of every kind: exactly the right ones go."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract.job import JobState, timestamp
from contract.table import job_key
from functions.clear_scratch.folder import Folder
from functions.clear_scratch.janitor import Janitor, Report
from functions.clear_scratch.records import JobRecords, RecordsUnreadError
from functions.clear_scratch.verdict import JobFacts
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job

TTL_HOURS = 72
OLD, YOUNG, FUTURE = 200.0, 71.0, -500.0
"""Ages in hours."""
FILES = ("baked-t/scene.blend", "baked-t/cache/000001.bphys", "baked-t/cache/deep/er/x")


@dataclass(frozen=True)
class Kind:
    """What is true of a folder and its job, and whether it goes."""

    goes: bool
    state: JobState | None = None
    """None: it has no record."""
    folder_age: float = OLD
    ended: float = OLD
    """How long ago the record was written."""
    published: bool = True


KINDS = [
    *(
        Kind(False, state, folder_age=age, ended=age)
        for state in (
            JobState.QUEUED,
            JobState.BAKING,
            JobState.RENDERING,
            JobState.FINISHING,
            JobState.HELD,
        )
        for age in (OLD, YOUNG, FUTURE)
    ),
    *(Kind(True, JobState.DONE, folder_age=age, ended=age) for age in (OLD, YOUNG, FUTURE)),
    *(
        Kind(ended == OLD, state, folder_age=age, ended=ended)
        for state in (JobState.FAILED, JobState.DONE_WITH_FAILURES, JobState.CANCELED)
        for ended in (OLD, YOUNG, FUTURE)
        for age in (OLD, YOUNG)
    ),
    *(Kind(True, JobState.FAILED, ended=ended, published=False) for ended in (OLD, YOUNG)),
    *(Kind(age == OLD, folder_age=age) for age in (OLD, YOUNG, FUTURE)),
]
HUNDRED = [(f"job-{number:03d}", KINDS[number % len(KINDS)]) for number in range(100)]
GOING = {name for name, kind in HUNDRED if kind.goes}


@dataclass
class Place:
    """A scratch space and a job table."""

    aws: AwsEdges
    root: Path
    time_left: Callable[[], bool] = lambda: True
    events: list[Callable[[], object]] = field(default_factory=list)
    """What happens in the middle of a round: one of them after each look at the records."""

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    def add(self, name: str, kind: Kind) -> None:
        for file in FILES:
            path = self.jobs / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name} {file}")
        self.age(self.jobs / name, kind.folder_age)
        if kind.state:
            self.record(name, kind.state, kind.ended, published=kind.published)

    def record(self, name: str, state: JobState, hours: float, *, published: bool = True) -> None:
        job = a_job(
            name,
            state=state,
            updated_at=timestamp(datetime.now(UTC) - timedelta(hours=hours)),
            baked_folder="baked-t" if published else "",
        )
        item = {**job_key(name), **job.to_item()}
        self.aws.dynamodb.put_item(TableName=self.aws.job_table_name, Item=item)

    def age(self, folder: Path, hours: float) -> None:
        moment = datetime.now(UTC).timestamp() - hours * 3600
        for path in (*folder.iterdir(), folder):
            os.utime(path, (moment, moment), follow_symlinks=False)

    def clean(self) -> Report:
        return Janitor(
            root=self.root,
            records=EventfulRecords(self),
            ttl=timedelta(hours=TTL_HOURS),
            now=lambda: datetime.now(UTC),
            out_of_time=lambda: not self.time_left(),
        ).clean()

    def folders(self) -> set[str]:
        return {path.name for path in self.jobs.iterdir()}

    def assert_whole(self, *names: str) -> None:
        """Nobody ever sees half a project under its name."""
        for name in names or self.folders():
            for file in FILES:
                assert (self.jobs / name / file).read_text() == f"{name} {file}"

    def assert_nothing_left_over(self) -> None:
        assert list((self.root / "trash").iterdir()) == []
        assert list((self.root / "leaving").iterdir()) == []


class EventfulRecords(JobRecords):
    def __init__(self, place: Place) -> None:
        super().__init__(place.aws.dynamodb, place.aws.job_table_name)
        self._events = place.events

    def read(self, job_ids: Collection[str]) -> dict[str, JobFacts]:
        found = super().read(job_ids)
        if self._events:
            self._events.pop(0)()
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with aws_edges() as aws:
        (tmp_path / "scratch/jobs").mkdir(parents=True)
        yield Place(aws, tmp_path / "scratch")


@pytest.fixture
def hundred(place: Place) -> Place:
    for name, kind in HUNDRED:
        place.add(name, kind)
    return place


def test_of_a_hundred_folders_exactly_the_right_ones_go(hundred: Place) -> None:
    assert 0 < len(GOING) < 60
    report = hundred.clean()
    assert hundred.folders() == {name for name, kind in HUNDRED if not kind.goes}
    hundred.assert_whole()
    hundred.assert_nothing_left_over()
    assert (report.finished, report.cleared, report.kept) == (True, len(GOING), 100 - len(GOING))
    kept = [path for path in hundred.root.rglob("*") if path.is_file()]
    assert report.scratch_bytes == sum(path.stat().st_size for path in kept)
    assert len(kept) == (100 - len(GOING)) * len(FILES)
    again = hundred.clean()
    assert (again.cleared, again.kept, again.deleted) == (0, 100 - len(GOING), 0)


def test_more_folders_than_dynamodb_reads_at_once(place: Place) -> None:
    for number in range(230):
        folder = place.jobs / f"job-{number}"
        folder.mkdir()
        place.age(folder, OLD if number % 2 else YOUNG)
    assert place.clean().cleared == 115
    assert place.folders() == {f"job-{number}" for number in range(0, 230, 2)}


def test_jobs_that_live_again_in_the_middle_keep_their_folders(hundred: Place) -> None:
    """A retry between the look at the record and the removal."""
    again = set(sorted(name for name, kind in HUNDRED if kind.goes and kind.state)[::2])

    def retry() -> None:
        for name in again:
            hundred.record(name, JobState.RENDERING, OLD)

    hundred.events = [retry]
    report = hundred.clean()
    assert hundred.folders() == {name for name, kind in HUNDRED if not kind.goes} | again
    assert report.cleared == len(GOING) - len(again)
    hundred.assert_whole()
    hundred.assert_nothing_left_over()


def test_a_job_that_bakes_again_meanwhile_has_the_new_bake_and_the_old(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its baker finds no folder and makes one, just before the old one comes back."""
    place.add("job", Kind(True, JobState.FAILED))
    move = Folder.move

    def move_and_bake(source: Folder, name: str, to: Folder, new_name: str) -> None:
        move(source, name, to, new_name)
        if not (place.jobs / "job").exists():
            place.record("job", JobState.BAKING, 0)
            (place.jobs / "job/baking-u").mkdir(parents=True)

    monkeypatch.setattr(Folder, "move", move_and_bake)
    assert place.clean().cleared == 0
    place.assert_whole("job")
    assert {path.name for path in (place.jobs / "job").iterdir()} == {"baked-t", "baking-u"}
    assert list((place.root / "leaving").iterdir()) == []


@pytest.mark.parametrize("good_reads", [0, 1])
def test_a_table_that_cannot_be_asked_keeps_every_folder(hundred: Place, good_reads: int) -> None:
    def break_off() -> None:
        raise RecordsUnreadError("DynamoDB is away")

    hundred.events = [*[lambda: None] * good_reads, break_off]
    with pytest.raises(RecordsUnreadError):
        hundred.clean()
    assert hundred.folders() == {name for name, _ in HUNDRED}
    hundred.assert_whole()
    hundred.assert_nothing_left_over()


def test_what_a_round_that_was_killed_had_taken_out_is_judged_anew(place: Place) -> None:
    place.add("lives", Kind(False, JobState.RENDERING))
    place.add("ended", Kind(True, JobState.FAILED))
    (place.root / "leaving").mkdir()
    for name in ("lives", "ended"):
        (place.jobs / name).rename(place.root / "leaving" / name)
    place.clean()
    assert place.folders() == {"lives"}
    place.assert_whole()
    place.assert_nothing_left_over()


def test_rounds_that_run_out_of_time_come_to_the_same_end(hundred: Place) -> None:
    """Each has time for a few steps only, and goes on where the last one stopped."""
    staying = {name for name, kind in HUNDRED if not kind.goes}
    rounds, unfinished = 0, 0
    while True:
        steps = iter(range(40 + 7 * rounds % 23))
        hundred.time_left = lambda steps=steps: next(steps, None) is not None  # type: ignore[misc]
        report = hundred.clean()
        rounds += 1
        unfinished += not report.finished
        assert staying <= hundred.folders()
        hundred.assert_whole()
        assert report.scratch_bytes is None, "half a count is none"
        if report.finished:
            break
        assert rounds < 100
    assert unfinished > 3
    assert hundred.folders() == staying
    hundred.assert_nothing_left_over()


def test_what_is_in_the_trash_goes_first(place: Place) -> None:
    place.add("done", Kind(True, JobState.DONE))
    (place.root / "trash/old").mkdir(parents=True)
    for number in range(10):
        (place.root / "trash/old" / str(number)).touch()
    steps = iter(range(5))
    place.time_left = lambda: next(steps, None) is not None
    report = place.clean()
    assert (report.finished, report.cleared, report.deleted) == (False, 0, 4)
    assert place.folders() == {"done"}
    assert len(list((place.root / "trash/old").iterdir())) == 6


def test_without_any_time_nothing_happens(hundred: Place) -> None:
    hundred.time_left = lambda: False
    assert hundred.clean() == Report(finished=False)
    assert hundred.folders() == {name for name, _ in HUNDRED}


def test_what_is_no_job_folder_is_left_alone(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "film.mov").write_text("a year of work")
    for name in ("UPPER", "with.dot", ".hidden", "-dash", "x" * 65):
        (place.jobs / name).mkdir()
        place.age(place.jobs / name, OLD)
    (place.jobs / "a-file").write_text("x")
    (place.jobs / "a-link").symlink_to(outside)
    place.age(place.jobs, OLD)
    (place.root / "notes").mkdir()
    before = place.folders()
    report = place.clean()
    assert place.folders() == before
    assert (report.strange, report.cleared, report.kept) == (7, 0, 0)
    assert (place.root / "notes").is_dir()
    assert (outside / "film.mov").exists()


def test_links_in_what_goes_are_deleted_and_never_followed(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    for folder in (outside, outside / "deep"):
        (folder / "film.mov").write_text("a year of work")
    place.add("job", Kind(True, JobState.DONE))
    (place.jobs / "job/link").symlink_to(outside)
    (place.jobs / "job/baked-t/cache/link").symlink_to(outside / "deep")
    (place.jobs / "job/baked-t/file").symlink_to(outside / "film.mov")
    (place.jobs / "job/baked-t/up").symlink_to("..")
    (place.root / "trash").mkdir()
    (place.root / "trash/link").symlink_to(outside)
    assert place.clean().finished
    assert place.folders() == set()
    place.assert_nothing_left_over()
    assert {str(path.relative_to(outside)) for path in outside.rglob("*")} == {
        "film.mov",
        "deep",
        "deep/film.mov",
    }


@pytest.mark.parametrize("name", ["jobs", "trash", "leaving"])
def test_a_link_in_the_place_of_its_own_folders_stops_it(place: Place, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (outside / "job").mkdir(parents=True)
    place.age(outside / "job", OLD)
    place.jobs.rmdir()
    (place.root / name).symlink_to(outside)
    with pytest.raises(NotADirectoryError):
        place.clean()
    assert (outside / "job").is_dir()


def test_a_young_child_keeps_a_folder_of_no_job(place: Place) -> None:
    place.add("job", Kind(True))
    (place.jobs / "job/baked-u").mkdir()
    os.utime(place.jobs / "job", (0, 0))
    place.clean()
    assert place.folders() == {"job"}
