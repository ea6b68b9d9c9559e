"""The simulator takes the deployed farm's numbers, and copies none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from farm.simulate.setup import SetupError, read_setup
from stacks.config import FarmConfig

CDK_JSON = Path(__file__).parents[2] / "cdk.json"


def test_numbers_are_those_of_the_stacks() -> None:
    setup, config = read_setup(), FarmConfig.from_context(json.loads(CDK_JSON.read_text())["context"])
    assert setup.idle_seconds == config.worker_idle_seconds
    assert setup.limits.acceptable_latency_seconds == config.acceptable_latency_seconds
    assert setup.limits.worker_start_seconds == config.worker_start_seconds
    assert setup.limits.frame_queue_bpi == config.frame_queue_bpi
    assert setup.limits.project_init_queue_bpi == config.project_init_queue_bpi
    assert setup.limits.max_workers == config.worker_node_max_count


def test_variables_may_be_set_as_for_the_cdk() -> None:
    setup = read_setup(["worker_idle_seconds=90", "frame_queue_bpi=2.5"], worker_node_max_count=7)
    assert (setup.idle_seconds, setup.limits.frame_queue_bpi, setup.limits.max_workers) == (90, 2.5, 7)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("worker_idle_seconds", "expected name=value"),
        ("=3", "expected name=value"),
        ("worker_idle_seconds=soon", "variable worker_idle_seconds is 'soon': expected a whole number"),
        ("no_such=1", "variable no_such is '1': expected one of the names"),
    ],
)
def test_a_bad_variable_is_named(override: str, words: str) -> None:
    with pytest.raises(SetupError, match=words):
        read_setup([override])
