"""The janitor as Lambda calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.job import JobState
from contract.settings import JanitorSettings, SettingsError
from contract.table import job_key
from functions.clear_scratch import handler
from tests.support.aws_edges import AwsEdges, aws_edges
from tests.support.jobs import a_job


@dataclass
class Context:
    milliseconds: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsEdges]:
    with aws_edges() as edges:
        settings = JanitorSettings(
            job_table_name=edges.job_table_name,
            scratch_directory=str(tmp_path),
            scratch_ttl_hours=1,
            cloudwatch_namespace="Studio",
            worker_asg_name="renderers",
        )
        for name, value in settings.to_env().items():
            monkeypatch.setenv(name, value)
        handler._dynamodb.cache_clear()
        yield edges
        handler._dynamodb.cache_clear()


def add(aws: AwsEdges, root: Path, job_id: str, state: JobState) -> None:
    (root / "jobs" / job_id).mkdir(parents=True)
    (root / "jobs" / job_id / "scene.blend").write_bytes(b"x" * 100)
    job = a_job(job_id, state=state)
    aws.dynamodb.put_item(TableName=aws.job_table_name, Item={**job_key(job_id), **job.to_item()})


def test_a_round(aws: AwsEdges, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add(aws, tmp_path, "done", JobState.DONE)
    add(aws, tmp_path, "live", JobState.RENDERING)
    report = handler.handle({}, Context())
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["live"]
    assert report == {
        "finished": True,
        "cleared": 1,
        "kept": 1,
        "strange": 0,
        "deleted": 2,
        "scratch_bytes": 100,
    }
    (line,) = capsys.readouterr().out.splitlines()
    values = json.loads(line)
    assert (values["ScratchBytes"], values["Fleet"], values["cleared"]) == (100, "renderers", 1)
    assert values["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "Studio",
            "Dimensions": [["Fleet"]],
            "Metrics": [{"Name": "ScratchBytes", "Unit": "Bytes"}],
        }
    ]
    assert 1_700_000_000_000 < values["_aws"]["Timestamp"] < 10_000_000_000_000


def test_shortly_before_its_end_it_stops_and_counts_nothing(
    aws: AwsEdges, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(aws, tmp_path, "done", JobState.DONE)
    report = handler.handle({}, Context(handler.MARGIN_SECONDS * 1000 - 1))
    assert (report["finished"], report["scratch_bytes"]) == (False, None)
    assert (tmp_path / "jobs/done/scene.blend").exists()
    assert capsys.readouterr().out == ""


def test_a_scratch_space_that_is_not_mounted_is_an_error(aws: AwsEdges, tmp_path: Path) -> None:
    tmp_path.rmdir()
    with pytest.raises(FileNotFoundError):
        handler.handle({}, Context())


def test_without_settings_it_says_what_is_missing(aws: AwsEdges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FARM_SCRATCH_TTL_HOURS")
    with pytest.raises(SettingsError, match="FARM_SCRATCH_TTL_HOURS is missing"):
        handler.handle({}, Context())
