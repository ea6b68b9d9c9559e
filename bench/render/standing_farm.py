"""The laptop farm of the benchmark, up for as long as a block of code runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.render.agents import BenchAgents
from bench.render.blender import BenchError
from bench.render.farm import BenchFarm
from contract.routes import Route
from farm.local import clients, emulator, lifecycle
from farm.local.cage import cage_here
from farm.local.fleet import AgentEnvironment, deployed_settings
from farm.local.page import lifecycle as page
from farm.local.settings import LocalSettings
from farm.local.state import FarmRecord, StateFolder
from worker_agent.stores import Stores
from worker_agent.stores.bucket import Bucket
from worker_agent.stores.frame_store import FrameStore
from worker_agent.stores.job_store import JobStore
from worker_agent.stores.scratch import Scratch
from worker_agent.tasks.task_queue import TaskQueue


@contextmanager
def bench_farm(state_dir: Path, blenders: tuple[str, ...]) -> Iterator[BenchFarm]:
    """A farm that is up, without the laptop's fleet and page: their work is AWS's elsewhere."""
    settings = LocalSettings(
        state_dir=state_dir.resolve(), max_agents=2, minute_seconds=60, blenders=blenders, hour_dollars=0
    )
    state = StateFolder(settings.state_dir)
    record = lifecycle.up(settings, lambda _: None)
    try:
        lifecycle.stop_fleet(state, lambda _: None)
        page.stop(state)
        machine = emulator.running(state)
        if machine is None:
            raise BenchError(f"the emulator has ended: see {state.logs}")
        environment = AgentEnvironment(settings, state, record, deployed_settings(record), cage_here().kind)
        agents = BenchAgents.begin(state, environment, machine.pid)
        try:
            yield _assemble(record, state, agents)
        finally:
            agents.end()
    finally:
        lifecycle.down(settings, lambda _: None)


def _assemble(record: FarmRecord, state: StateFolder, agents: BenchAgents) -> BenchFarm:
    farm, deployed = clients.farm_of(record), deployed_settings(record)
    dynamodb, table = farm.table.meta.client, farm.table.name
    urls = {
        Route.URGENT: deployed.urgent_queue_url,
        Route.BAKE: deployed.bake_queue_url,
        Route.RENDER: deployed.render_queue_url,
    }
    return BenchFarm(
        farm=farm,
        agents=agents,
        stores=Stores(
            jobs=JobStore(dynamodb, table),
            frames=FrameStore(dynamodb, table, "bench"),
            bucket=Bucket(farm.s3, farm.bucket, quick_s3=farm.s3),
            scratch=Scratch(state.scratch),
        ),
        queues={route: TaskQueue(farm.sqs, url) for route, url in urls.items()},
    )
