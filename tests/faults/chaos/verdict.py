"""What became of every frame and every job, read from records and objects when all is over."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from contract.frame_record import FrameRecord
from contract.job import FrameState, Job, JobState, Progress
from contract.keys import summary_key
from tests.e2e.laptop import LaptopFarm
from tests.faults.chaos.log_book import LogBook
from tests.faults.chaos.picture import picture
from tests.faults.chaos.plan import MAX_ATTEMPTS, Fate, PlannedJob

LET_GO_SECONDS: Final = 10.0
"""From a cancel until no worker may begin a frame of the job any more: its longest frame, and patience."""

WORDS: Final = {
    Fate.NO_CAMERA: "no camera",
    Fate.STOPS_EARLY: "stopped early",
    Fate.CANCELED: "canceled on request",
}
"""What the job's record has to say of its end."""


@dataclass
class Verdict:
    """`problems` is empty when nothing was lost and nothing is wrong."""

    done: int = 0
    failed_as_planned: int = 0
    not_asked: int = 0
    """Frames of jobs that were to end before they came to them."""
    lost: int = 0
    wrong: int = 0
    rendered_again: int = 0
    interruptions: int = 0
    attempts_failed: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def lose(self, problem: str) -> None:
        self.lost += 1
        self.problems.append(f"lost: {problem}")

    def blame(self, problem: str) -> None:
        self.wrong += 1
        self.problems.append(f"wrong: {problem}")


@dataclass(frozen=True, slots=True)
class Judge:
    farm: LaptopFarm
    books: str
    canceled_at: Mapping[str, float]
    retried_at: Mapping[str, float]
    """Epoch seconds, of the jobs with which it was done."""

    def judge(self, jobs: list[tuple[str, PlannedJob]]) -> Verdict:
        verdict = Verdict()
        for job_id, planned in jobs:
            job = self.farm.farm.records.job(job_id)
            if job is None:
                verdict.problems.append(f"{planned.name}: there is no job")
                verdict.lost += len(planned.numbers)
                continue
            verdict.jobs[str(job.state)] += 1
            self._judge_job(verdict, job, planned)
        return verdict

    def _judge_job(self, verdict: Verdict, job: Job, planned: PlannedJob) -> None:
        label = f"{job.job_id} ({planned.fate})"
        if job.state not in planned.ends:
            expected = " or ".join(sorted(planned.ends))
            verdict.blame(f"{label} is {job.state} ({job.reason}), expected {expected}")
        if WORDS.get(planned.fate, "") not in job.reason:
            verdict.blame(f"{label} does not say {WORDS[planned.fate]!r}: {job.reason!r}")
        records = {
            record.frame: record for record in self.farm.farm.records.frames(job.job_id, range(job.shards))
        }
        pictures = self.farm.frames(job)
        for frame in planned.numbers:
            self._judge_frame(verdict, job, planned, frame, records.get(frame), pictures)
        strangers = set(records) - set(planned.numbers)
        if strangers:
            verdict.blame(f"{label} has records of frames that were not asked for: {sorted(strangers)}")
        if pictures:
            verdict.blame(f"{label} has files that belong to no frame of it: {sorted(pictures)[:5]}")
        for problem in self._miscounted(job, planned, list(records.values())):
            verdict.blame(f"{label}: {problem}")
        self._read_book(verdict, job, planned)

    def _judge_frame(
        self,
        verdict: Verdict,
        job: Job,
        planned: PlannedJob,
        frame: int,
        record: FrameRecord | None,
        pictures: dict[str, bytes],
    ) -> None:
        """Takes the frame's files out of `pictures`."""
        label = f"{job.job_id} frame {frame}"
        content = pictures.pop(f"{frame:04d}.png", None)
        if record:
            verdict.interruptions += record.interruptions
            verdict.attempts_failed.update(str(failure.kind) for failure in record.failures)
        if record is None or not record.ended:
            if planned.fate in (Fate.NO_CAMERA, Fate.STOPS_EARLY, Fate.CANCELED):
                verdict.not_asked += 1
            else:
                verdict.lose(f"{label} is {record.state if record else 'not recorded'}")
        elif record.state is FrameState.DONE:
            if frame in planned.failing:
                verdict.blame(f"{label} is DONE, and cannot be rendered")
            elif record.files != (f"{frame:04d}.png",):
                verdict.blame(f"{label} lists the files {record.files}")
            elif content is None:
                verdict.lose(f"{label} is DONE, and its file is not there")
            elif content != picture(job.job_id, frame):
                verdict.blame(f"{label} has another picture ({len(content)} bytes)")
            else:
                verdict.done += 1
        else:
            self._judge_failed(verdict, planned, label, record)

    @staticmethod
    def _judge_failed(verdict: Verdict, planned: PlannedJob, label: str, record: FrameRecord) -> None:
        kind = planned.failing.get(record.frame)
        found = [failure.kind for failure in record.failures]
        if kind is None:
            why = "; ".join(f"{failure.kind}: {failure.reason}" for failure in record.failures)
            verdict.blame(f"{label} FAILED, and was to be rendered: {record.reason} ({why})")
        elif len(found) < MAX_ATTEMPTS or set(found) != {kind}:  # copies of a task may be at it together
            listed = ", ".join(found) or "nothing"
            verdict.blame(f"{label} FAILED for {listed}, expected {MAX_ATTEMPTS} times {kind}")
        else:
            verdict.failed_as_planned += 1

    def _miscounted(self, job: Job, planned: PlannedJob, records: list[FrameRecord]) -> Iterator[str]:
        """Counters that differ from the records they count."""
        done = sum(record.state is FrameState.DONE for record in records)
        failed = sum(record.state is FrameState.FAILED for record in records)
        total = len(planned.numbers) if job.shards else 0
        counted = sum(self.farm.farm.records.shards([job])[job.job_id], Progress())
        if (counted.total, counted.done, counted.failed) != (total, done, failed):
            yield f"counts {counted}, and has {done} frames done and {failed} failed of {total}"
        if job.state in (JobState.DONE, JobState.DONE_WITH_FAILURES):
            if (job.frames_done, job.frames_failed) != (done, failed):
                yield f"says that {job.frames_done} are done and {job.frames_failed} failed: {done}, {failed}"
            body = self.farm.farm.s3.get_object(Bucket=job.bucket, Key=summary_key(job.project, job.job_id))[
                "Body"
            ].read()
            summary = json.loads(body)
            said = (
                summary["state"],
                summary["frames_done"],
                summary["frames_failed"],
                len(summary["frames"]),
            )
            if said != (str(job.state), done, failed, len(records)):
                yield f"has a job.json that says {said}"

    def _read_book(self, verdict: Verdict, job: Job, planned: PlannedJob) -> None:
        deeds = LogBook(self.books, job.job_id).read()
        rendered = Counter(deed.frame for deed in deeds if deed.what == "rendered")
        verdict.rendered_again += sum(times - 1 for times in rendered.values())
        label = f"{job.job_id} ({planned.fate})"
        if strangers := set(rendered) - set(planned.numbers):
            verdict.blame(f"{label} rendered frames that nobody asked for: {sorted(strangers)}")
        begun = [deed for deed in deeds if deed.what == "begin"]
        canceled_at = self.canceled_at.get(job.job_id, math.inf)
        if late := [deed.frame for deed in begun if deed.at > canceled_at + LET_GO_SECONDS]:
            verdict.blame(f"{label} was rendered long after it was canceled: {late}")
        retried_at = self.retried_at.get(job.job_id, math.inf)
        if any(deed.what == "open_for_bake" and deed.at > retried_at for deed in deeds):
            verdict.blame(f"{label} was baked again when it was retried")
        if needless := {deed.frame for deed in begun if deed.at > retried_at} - set(planned.always_failing):
            verdict.blame(f"{label} rendered frames again that were done: {sorted(needless)}")
