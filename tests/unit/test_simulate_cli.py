"""`farm simulate`, called as a person does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from farm.cli import app
from farm.simulate.policies import policies
from farm.simulate.setup import read_setup

SHORT = ("--workload", "one long frame")


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def test_it_shows_each_policy_and_a_summary() -> None:
    result = simulate(*SHORT)
    assert result.exit_code == 0, result.output
    setup = read_setup()
    for policy in policies(setup.limits, setup.idle_seconds):
        assert policy.name in result.output
    assert "of 1 workloads" in result.output


def test_json_on_standard_output_is_nothing_else_and_twice_the_same() -> None:
    first, second = simulate(*SHORT, "--json-file", "-"), simulate(*SHORT, "--json-file", "-")
    assert first.exit_code == 0, first.output
    assert first.stdout == second.stdout
    content = json.loads(first.stdout)
    assert [one["workload"]["name"] for one in content["workloads"]] == ["one long frame"]
    assert "one long frame" in first.stderr, "the table goes elsewhere"


def test_another_seed_is_another_workload() -> None:
    named = ("--workload", "100 X 10 S", "--policy", "ours", "--json-file", "-")
    assert simulate(*named).stdout != simulate(*named, "--seed", "2").stdout


def test_options_change_what_is_simulated() -> None:
    result = simulate(
        *("--workload", "100 x 10 s", "--policy", "ours", "--json-file", "-", "--start-seconds", "400"),
        *("--latency", "600", "--max-workers", "3", "-c", "worker_idle_seconds=120"),
    )
    content = json.loads(result.stdout)
    assert content["machines"]["pending_seconds"] + content["machines"]["boot_seconds"] == 400
    limits = content["setup"]["limits"]
    assert (limits["acceptable_latency_seconds"], limits["max_workers"]) == (600, 3)
    assert content["setup"]["idle_seconds"] == 120
    (only,) = content["workloads"]
    assert only["workload"]["max_workers"] == 3
    assert only["policies"][0]["measures"]["most_desired"] <= 3


def test_a_day_of_jobs_takes_the_place_of_the_suite() -> None:
    result = simulate("--jobs", "3", "--policy", "ours", "--json-file", "-")
    (day,) = json.loads(result.stdout)["workloads"]
    assert len(day["workload"]["jobs"]) == 3


def test_files_are_written_where_they_were_asked_for(tmp_path: Path) -> None:
    result = simulate(
        *(*SHORT, "--plot", str(tmp_path / "plots"), "--plot-format", "svg"),
        *("--json-file", str(tmp_path / "all.json")),
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "plots" / "one-long-frame.svg").stat().st_size > 1000
    assert json.loads((tmp_path / "all.json").read_text("utf-8"))["seed"] == 1


def test_variants_are_all_run() -> None:
    result = simulate(*SHORT, "--policy", "ours", "--variants", "--json-file", "-")
    (varied,) = json.loads(result.stdout)["variants"]
    assert len(varied["runs"]) == 192
    assert "whatever AWS does" in result.stderr


def test_a_missed_criterion_counts_only_when_it_is_checked() -> None:
    lazy = (*SHORT, "--policy", "ours", "-c", "worker_idle_seconds=3000")
    assert simulate(*lazy).exit_code == 0
    assert simulate(*lazy, "--check").exit_code == 1
    assert simulate(*SHORT, "--policy", "ours", "--check").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workload", "everything"), "--workload 'everything' is not known: expected one of 'one long"),
        (("--policy", "hope"), "--policy 'hope' is not known: expected one of 'ours'"),
        (("--plot-format", "gif"), "--plot-format 'gif': expected png or svg"),
        (("-c", "speed=9"), "variable speed is '9'"),
        (("--latency", "1"), "variable acceptable_latency_seconds is '1.0': expected a number from 60"),
        (("--max-workers", "0"), "variable worker_node_max_count is '0'"),
        (("--start-seconds", "10"), "--start-seconds 10: expected 45 to 3600"),
        (("--jobs", "0"), "--jobs"),
        (("--json-file", "/no/such/folder/all.json", *SHORT, "--policy", "ours"), "/no/such/folder"),
    ],
)
def test_bad_input_is_named(arguments: tuple[str, ...], words: str) -> None:
    result = simulate(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_help_does_not_wait_for_what_only_a_simulation_needs() -> None:
    loaded = "import farm.cli, sys; print({'matplotlib', 'numpy', 'simpy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
