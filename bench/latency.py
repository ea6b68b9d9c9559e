"""From an upload to its first recorded frame on a warm worker: `python -m bench.latency [TIMES]`.

A laptop farm with one agent that is up and idle. Each time a tiny scene is put into the bucket and the parts
of its way are told from its record and from the agent's requests; in turns with it, raw Blender starts, opens
the same file and renders the same frame. Medians; what the farm takes beyond raw Blender is ours.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from bench.render.blender import BenchError, do, whole_range
from bench.render.farm import BenchFarm
from bench.render.recording_agent import Note
from bench.render.run import Run
from bench.render.standing_farm import bench_farm
from bench.verdict import verdict
from contract.frame_record import FrameRecord
from contract.job import Job
from contract.keys import frames_prefix, inspection_key, make_job_id

_TIMES: Final = 7
_LOOK_SECONDS: Final = 0.2
_REST_SECONDS: Final = 3.0
"""The agent is at the preview, its last records and its long questions again."""
_LONGEST_SECONDS: Final = 120.0
_MOST_OWN_SECONDS: Final = 1.5
_KEY: Final = "bench/latency/tiny.blend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """When one upload got how far; epoch seconds."""

    began: float
    marks: tuple[tuple[str, float], ...]
    """What had come to pass, and when."""
    rendering: float
    """Seconds that Blender took for the frame, within the last parts."""

    @property
    def parts(self) -> list[float]:
        """What each mark took, in seconds."""
        times = [self.began, *(at for _, at in self.marks)]
        return [after - before for before, after in pairwise(times)]

    @property
    def seconds(self) -> float:
        return self.marks[-1][1] - self.began

    @classmethod
    def of(cls, began: float, put: float, job: Job, frame: FrameRecord, notes: Sequence[Note]) -> Journey:
        """Raises BenchError when the agent's notes lack one of the marks."""

        def first(what: str, is_it: Callable[[Note], object]) -> float:
            found = next((note.at for note in notes if is_it(note)), None)
            if found is None:
                raise BenchError(f"the agent has noted nothing of: {what}")
            return found

        def answer(name: str, after: float) -> float:
            return first(name, lambda note: note.name == name and note.answered and note.at > after)

        def claim(kind: str) -> float:
            return first(kind, lambda note: (kind, job.job_id) in note.tasks)

        frames = frames_prefix(job.project, job.job_id)
        inspection = inspection_key(job.project, job.job_id)
        baking = claim("BakeTask")
        inspected = first("inspection", lambda note: note.key == inspection)
        sent = answer("SendMessageBatch", inspected)
        upload = first("upload", lambda note: note.key.startswith(frames))
        return cls(
            began=began,
            marks=(
                ("the bucket has it", put),
                ("the listener knows of it", _epoch(job.created_at)),
                ("its bake task is sent", _epoch(job.task_sent_at)),
                ("a worker has claimed the bake task", baking),
                ("the file is fetched", answer("GetObject", baking)),
                ("a Blender has opened and inspected it", inspected),
                ("it is published, its frame is sent", sent),
                ("a worker has claimed the frame", claim("RenderTask")),
                ("a Blender has it open, the frame is rendered and checked", upload),
                ("the frame is uploaded and recorded", answer("TransactWriteItems", upload)),
            ),
            rendering=frame.seconds,
        )


def main(times: int) -> None:
    load = os.getloadavg()
    with TemporaryDirectory(prefix="farm-bench-latency-") as name:
        folder = Path(name)
        blend = _tiny_scene(folder)
        with bench_farm(folder / "farm", (sys.executable,)) as farm:
            farm.agents.hold(1)
            journeys, raw = [], []
            for number in range(times + 1):
                journey = _send(farm, blend)
                farm.agents.pause()
                alone = whole_range(sys.executable, blend, 1, folder / f"raw-{number}")
                farm.agents.resume()
                if number:  # the first meets a Lambda and a Blender that nobody has run before
                    journeys.append(journey)
                    raw.append(alone)
    _tell(journeys, raw, load)


def _tiny_scene(folder: Path) -> Path:
    source, blend = folder / "source.blend", folder / "tiny.blend"
    do(sys.executable, "make_trivial", folder / "make.log", to=str(source))
    settings = {"frames": 1, "samples": 4, "percentage": None, "report": str(folder / "prepared.json")}
    do(sys.executable, "prepare", folder / "prepare.log", blend=str(source), to=str(blend), **settings)
    return blend


def _send(farm: BenchFarm, blend: Path) -> Journey:
    time.sleep(_REST_SECONDS)
    farm.agents.rest()
    began = time.time()
    answer = farm.farm.s3.put_object(
        Bucket=farm.farm.bucket, Key=_KEY, Body=blend.read_bytes(), Metadata={"frames": "1"}
    )
    put = time.time()
    job = _ended(farm, make_job_id(farm.farm.bucket, _KEY, answer["VersionId"]))
    (frame,) = farm.stores.frames.frames(job)
    notes = [note for note in farm.agents.new_notes() if note.at >= began]
    return Journey.of(began, put, job, frame, notes)


def _ended(farm: BenchFarm, job_id: str) -> Job:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        job = farm.stores.jobs.job(job_id)
        if job and job.state.ended:
            return job
        time.sleep(_LOOK_SECONDS)
    raise BenchError(f"the job {job_id} has not ended within {_LONGEST_SECONDS:.0f} s")


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _tell(journeys: Sequence[Journey], raw: Sequence[Run], load: tuple[float, float, float]) -> None:
    print(f"upload to first recorded frame, {len(journeys)} times; medians in seconds")
    print("\n| when | part | since the upload |\n|---|---|---|")
    since = 0.0
    for number, (what, _) in enumerate(journeys[0].marks):
        part = median(journey.parts[number] for journey in journeys)
        since = median(journey.marks[number][1] - journey.began for journey in journeys)
        print(f"| {what} | {part:.2f} | {since:.2f} |")
    rendering = median(journey.rendering for journey in journeys)
    ours = [journey.seconds - alone.seconds for journey, alone in zip(journeys, raw, strict=True)]
    seconds = median(alone.seconds for alone in raw)
    processor = median(alone.processor["blender"] for alone in raw)
    print(f"\nraw Blender, start to picture: {seconds:.2f} s, {processor:.2f} processor seconds")
    print(f"the farm's frame alone: {rendering:.2f} s")
    print(f"the farm's own, each: {', '.join(f'{each:.2f}' for each in sorted(ours))}")
    print(verdict("the farm's own, median", median(ours), _MOST_OWN_SECONDS, form="{:.2f} s"))
    print(f"load of the machine before the run: {', '.join(f'{each:.2f}' for each in load)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _TIMES)
