"""The janitor's round: the trash first, then the jobs' folders, then the trash again, then the count.

A folder on its way out stands under `leaving/` while the job table is asked once more. From there it goes
into the trash, or back under its name: so does whatever a run that died has left there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from contract.keys import JOB_ID, JOBS_FOLDER, LEAVING_FOLDER, TRASH_FOLDER
from functions.clear_scratch.folder import Folder, open_root
from functions.clear_scratch.records import READ_BATCH, JobRecords
from functions.clear_scratch.trash import Trash
from functions.clear_scratch.usage import count_bytes
from functions.clear_scratch.verdict import Verdict, judge_job, judge_orphan

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Report:
    """What a round came to."""

    finished: bool = False
    """False when the time was out: the next round goes on."""
    cleared: int = 0
    """Job folders that went into the trash."""
    kept: int = 0
    strange: int = 0
    """What lies among the job folders and is none: left alone."""
    deleted: int = 0
    """Files and folders of the trash that are gone."""
    scratch_bytes: int | None = None
    """What the whole scratch space holds now; None when not all of it could be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Janitor:
    root: Path
    records: JobRecords
    ttl: timedelta
    now: Callable[[], datetime]
    out_of_time: Callable[[], bool]

    def clean(self) -> Report:
        """Make a round. Raises OSError and what the job table raises; nothing is half done then."""
        report = Report()
        with ExitStack() as opened:
            root = opened.enter_context(open_root(str(self.root)))
            for name in (JOBS_FOLDER, LEAVING_FOLDER, TRASH_FOLDER):
                root.make(name)
            jobs, leaving = (opened.enter_context(root.open(n)) for n in (JOBS_FOLDER, LEAVING_FOLDER))
            trash = Trash(opened.enter_context(root.open(TRASH_FOLDER)), self.out_of_time)
            _put_back(leaving, jobs, trash)
            report.finished = (
                trash.empty() and self._look_through(jobs, leaving, trash, report) and trash.empty()
            )
            report.deleted = trash.deleted
        report.scratch_bytes = count_bytes(self.root, self.out_of_time)
        return report

    def _look_through(self, jobs: Folder, leaving: Folder, trash: Trash, report: Report) -> bool:
        """Clear what may go; False when the time was out before every folder was looked at."""
        names = jobs.names()
        folders = sorted(name for name in names if JOB_ID.fullmatch(name) and jobs.is_folder(name))
        report.strange = len(names) - len(folders)
        for start in range(0, len(folders), READ_BATCH):
            if self.out_of_time():
                return False
            batch = folders[start : start + READ_BATCH]
            cleared = self._clear(batch, jobs, leaving, trash)
            report.cleared += cleared
            report.kept += len(batch) - cleared
        return True

    def _clear(self, names: Sequence[str], jobs: Folder, leaving: Folder, trash: Trash) -> int:
        """Clear what may go of these folders; how many went."""
        cleared = 0
        try:
            going = [
                name
                for name, verdict in self._judge(names, jobs)
                if verdict.clear and _done(jobs.move, name, leaving, name)
            ]
            for name, verdict in self._judge(going, leaving):
                if verdict.clear and _done(trash.add, name, leaving):
                    log.info("cleared %s: %s", name, verdict.reason)
                    cleared += 1
        finally:
            _put_back(leaving, jobs, trash)  # whatever lives again, or could not be asked about
        return cleared

    def _judge(self, names: Sequence[str], folder: Folder) -> Iterator[tuple[str, Verdict]]:
        records, now = self.records.read(names), self.now()
        for name in names:
            job = records.get(name)
            try:
                if job:
                    yield name, judge_job(job, now=now, ttl=self.ttl)
                else:
                    yield name, judge_orphan(folder.changed_at(name), now=now, ttl=self.ttl)
            except OSError as error:
                log.warning("kept %s, which cannot be looked at: %s", name, error)


def _put_back(leaving: Folder, jobs: Folder, trash: Trash) -> None:
    """Give every folder its name again."""
    for name in leaving.names():
        try:
            leaving.move(name, jobs, name)
        except OSError:
            _done(_reunite, name, leaving, jobs, trash)


def _reunite(name: str, leaving: Folder, jobs: Folder, trash: Trash) -> None:
    """Put back what was in a folder into one that was made under its name meanwhile. Raises OSError."""
    with leaving.open(name) as old, jobs.open(name) as new:
        for child in set(old.names()) - set(new.names()):
            old.move(child, new, child)
    trash.add(name, leaving)


def _done(step: Callable[..., object], name: str, *where: object) -> bool:
    """Whether a step with a folder was taken. What hinders one folder hinders no other."""
    try:
        step(name, *where)
    except FileNotFoundError:
        return False  # its worker, or another janitor, was quicker
    except OSError as error:
        log.warning("left %s as it is: %s", name, error)
        return False
    return True
