"""What the laptop farm is doing, as a page and in one line."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.job import Job, Progress
from contract.job_view import JobView, baking_words
from contract.runtimes import parse_runtimes
from farm.local import agents, clients, emulator, fleet, processes
from farm.local.cage import cage_here
from farm.local.page import lifecycle as page
from farm.local.state import FarmRecord, StateFolder, read_json
from farm.screen import printable, say

MAX_JOBS = 20
_QUEUES = {
    "bake": "BakeQueueUrl",
    "render": "RenderQueueUrl",
    "urgent": "UrgentQueueUrl",
    "dead letters": "DeadLetterQueueUrl",
}


def show(console: Console, state: StateFolder, record: FarmRecord) -> None:
    """Print jobs, queues, agents and places."""
    farm = clients.farm_of(record)
    jobs = farm.records.latest_jobs(MAX_JOBS)
    table = Table("job", "state", "progress", "created", "why", box=None)
    progress = farm.records.progress(jobs)
    for job in jobs:
        table.add_row(*_row(job, progress[job.job_id]))
    console.print(table if jobs else "no jobs yet")
    console.print(_queue_table(record))
    report = read_json(state.fleet_report) or {}
    alive = "running" if processes.recorded(state, fleet.NAME) else "NOT RUNNING"
    say(
        console,
        f"fleet: {alive}, desired capacity {report.get('desired', 0)} "
        f"(the backlog wants {report.get('wanted', 0)}, at most {report.get('max_agents')} run here)",
    )
    conditions = report.get("agents") or {}
    for agent in agents.running(state):
        worker_id = agent.name.removeprefix("agent-")
        say(
            console,
            f"  {worker_id}: {conditions.get(worker_id, 'starting')}, process {agent.pid}, "
            f"log {state.logs}/{agent.name}.log",
        )
    if report.get("problem"):
        say(console, str(report["problem"]), "red")
    say(
        console,
        f"page: {_page(state, record)}\n"
        f"blender: {_blenders(record)}\n"
        f"cage: {cage_here().words}\n"
        f"emulator: {record.endpoint}\nbucket: {farm.bucket}\nlogs: {state.logs}\nscratch: {state.scratch}",
    )


def to_map(state: StateFolder, record: FarmRecord) -> dict[str, Any]:
    """The same, for JSON."""
    records = clients.farm_of(record).records
    jobs = records.latest_jobs(MAX_JOBS)
    progress, workers = records.progress(jobs), records.workers(int(time.time()))
    report = read_json(state.fleet_report) or {}
    return {
        **record.places(),
        "page_running": bool(page.running(state)),
        "jobs": [JobView.of(job, progress[job.job_id], workers).to_map() for job in jobs],
        "queues": _queues(record),
        "fleet": {
            "running": bool(processes.recorded(state, fleet.NAME)),
            **{name: report.get(name) for name in ("desired", "wanted", "max_agents", "problem")},
        },
        "agents": [agent.name.removeprefix("agent-") for agent in agents.running(state)],
        "cage": str(cage_here().kind),
        "logs": str(state.logs),
        "scratch": str(state.scratch),
    }


def _page(state: StateFolder, record: FarmRecord) -> str:
    if page.running(state):
        return record.page_url
    return f"NOT RUNNING: `farm local up` starts it again; see {state.logs}/{page.NAME}.log"


def _blenders(record: FarmRecord) -> str:
    return ", ".join(map(str, parse_runtimes(record.runtimes))) if record.runtimes else "none yet"


def explain(state: StateFolder) -> str:
    """One line for a person who waits."""
    if not emulator.running(state):
        return f"the AWS emulator is gone: see {state.logs}/emulator.log"
    if not processes.recorded(state, fleet.NAME):
        return f"the fleet is gone: see {state.logs}/fleet.log; `farm local up` starts it again"
    report = read_json(state.fleet_report) or {}
    if report.get("problem"):
        return f"{report['problem']}: see {state.logs}"
    at_work = agents.running(state)
    if not at_work:
        return (
            f"no agent is running (desired capacity {report.get('desired', 0)}): see {state.logs}/fleet.log"
        )
    logs = ", ".join(f"{state.logs}/{agent.name}.log" for agent in at_work)
    return f"{len(at_work)} agents are running: see {logs}"


def _row(job: Job, progress: Progress) -> list[Text]:
    frames = f"{progress.done}/{progress.total}" + (f" ({progress.failed} failed)" if progress.failed else "")
    how_far = baking_words(job) or (frames if progress.total else "")
    cells = (job.job_id, str(job.state), how_far, job.created_at, job.reason or job.waiting_for)
    return [Text(printable(cell)) for cell in cells]


def _queue_table(record: FarmRecord) -> Table:
    table = Table("queue", "waiting", "held", "delayed", box=None)
    for name, counts in _queues(record).items():
        table.add_row(name, *map(str, counts.values()))
    return table


def _queues(record: FarmRecord) -> dict[str, dict[str, int]]:
    """Messages of each queue: waiting, held by an agent, and delayed."""
    sqs = clients.queues(record.endpoint)
    found = {}
    for name, output in _QUEUES.items():
        counted = sqs.get_queue_attributes(QueueUrl=record.outputs[output], AttributeNames=["All"])[
            "Attributes"
        ]
        found[name] = {
            "waiting": int(counted["ApproximateNumberOfMessages"]),
            "held": int(counted["ApproximateNumberOfMessagesNotVisible"]),
            "delayed": int(counted["ApproximateNumberOfMessagesDelayed"]),
        }
    return found
