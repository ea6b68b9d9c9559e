"""A job is summed up once, whoever else tries."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.job import JobState
from tests.support.agent import Agent, agent_in
from tests.support.job_steps import (
    FINISH,
    baked,
    renewed,
    state,
    task,
)
from worker_agent.tasks.outcome import GiveBack, Settled


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with agent_in(tmp_path) as agent:
        yield agent


class TestFinish:
    def test_two_at_the_same_instant_sum_up_once(self, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each has its own message, as two workers that ended the last frames send one each."""
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())
        one_call_at_a_time(agent, monkeypatch)
        puts = count_puts(agent, monkeypatch)
        here = threading.Barrier(4)
        claim = agent.jobs.claim_finish

        def claim_together(*arguments: Any, **values: Any) -> bool:
            here.wait(10)
            return claim(*arguments, **values)

        monkeypatch.setattr(agent.jobs, "claim_finish", claim_together)
        outcomes: list[object] = []
        threads = [
            threading.Thread(
                target=lambda lease: outcomes.append(agent.finish(FINISH, lease)),
                args=(agent.lease(f"m{n}"),),
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(outcomes) == 4
        assert all(isinstance(outcome, Settled) for outcome in outcomes)
        assert (agent.job.state, puts) == (JobState.DONE, ["job.json"])

    def test_a_finisher_that_went_silent_touches_nothing_afterwards(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())
        puts = count_puts(agent, monkeypatch)
        listed = agent.frames.frames

        def sleep_meanwhile(job: Any) -> Any:
            monkeypatch.setattr(agent.frames, "frames", listed)
            assert isinstance(agent.finish(FINISH, agent.lease()), Settled), "the same message again"
            return listed(job)

        monkeypatch.setattr(agent.frames, "frames", sleep_meanwhile)
        assert isinstance(agent.finish(FINISH, agent.lease()), GiveBack)
        assert (agent.job.state, puts) == (JobState.DONE, ["job.json"])

    def test_a_copy_settles_while_the_finisher_lives_and_takes_over_when_it_is_dead(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())

        def die(*_: object, **__: object) -> None:
            raise ConnectionError

        with monkeypatch.context() as dead:
            dead.setattr(agent.bucket, "put_text", die)
            with pytest.raises(ConnectionError):
                agent.finish(FINISH, agent.lease("first"))
        assert isinstance(agent.finish(FINISH, agent.lease("copy")), Settled)
        assert state(agent) == "FINISHING"
        late = time.time() + 121
        with monkeypatch.context() as later:
            later.setattr(agent.jobs, "_now", lambda: late)
            agent.finish(FINISH, agent.lease("copy"))
        assert state(agent) == "DONE"

    def test_a_renewal_finds_that_another_has_taken_over(
        self, agent: Agent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        baked(agent, "1-2")
        agent.render(task("1-2"), agent.lease())
        lease = agent.lease()
        listed = agent.frames.frames

        def lose(job: Any) -> Any:
            renewed(lease, monkeypatch)
            assert not lease.lost
            until = int(time.time()) + 9
            agent.jobs.claim_finish(agent.job, token="another", message_id="m", lease_until=until)
            renewed(lease, monkeypatch)
            return listed(job)

        monkeypatch.setattr(agent.frames, "frames", lose)
        agent.finish(FINISH, lease)
        assert lease.lost
        assert "job.json" not in agent.stored()


def one_call_at_a_time(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    """As DynamoDB does a conditional write in one step, which moto does not among threads."""
    turn = threading.RLock()
    clients: tuple[Any, ...] = (agent.aws.dynamodb, agent.aws.s3)
    for client in clients:
        call = client._make_api_call

        def in_turn(*arguments: Any, _call: Any = call) -> Any:
            with turn:
                return _call(*arguments)

        monkeypatch.setattr(client, "_make_api_call", in_turn)


def count_puts(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    puts: list[str] = []
    put = agent.bucket.put_text

    def put_and_count(key: str, *arguments: Any, **values: Any) -> None:
        puts.append(key.rpartition("/")[2])
        put(key, *arguments, **values)

    monkeypatch.setattr(agent.bucket, "put_text", put_and_count)
    return puts
