"""Which farm is meant: the emulator's CloudFormation is AWS, and a state folder the laptop farm."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from farm.aws_farms import farms_of
from farm.chosen_farm import LOCAL, WhichFarmError
from farm.local import emulator, processes
from farm.local.environment import REGION
from farm.local.state import FarmRecord, StateFolder
from farm.plain_errors import MisusedError
from farm.which_farm import which_farm
from tests.support.emulator import an_emulator
from tests.support.farm_stacks import a_deployed_farm, aws_environment, outputs_of

FILM = outputs_of("film-bucket", "film-jobs", "https://sqs/film")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A person with no AWS credentials and no farm on their computer."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("FARM_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Credentials for an account; its endpoint."""
    for name, value in aws_environment(endpoint).items():
        monkeypatch.setenv(name, value)
    return endpoint


@pytest.fixture
def laptop(tmp_path: Path) -> StateFolder:
    """A laptop farm's state folder; this test's process stands in for its emulator."""
    state = StateFolder(tmp_path / "state")
    state.prepare()
    outputs = {"RenderBucketName": "here", "JobTableName": "jobs", "BakeQueueUrl": "http://127.0.0.1:1/bake"}
    state.write_farm(FarmRecord(endpoint="http://127.0.0.1:1", outputs=outputs))
    processes.record(state, emulator.NAME, os.getpid())
    return state


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """A port that says nothing, and a note of each time that somebody came."""
    came: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hear() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                came.append("came")
                connection.close()

        thread = threading.Thread(target=hear, daemon=True)
        thread.start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_farms_are_told_apart_by_the_names_of_their_stacks() -> None:
    storage, bake = {"RenderBucketName": "b", "JobTableName": "t"}, {"BakeQueueUrl": "q"}
    stacks = {
        "Film-Storage": {**storage, "Other": "x"},
        "Film-Queues": bake,
        "Film-Test-Storage": storage,
        "Film-Test-Queues": {"BakeQueueUrl": "r"},
        "Film-Unknown": {"Secret": "s"},
        "Some-Storage": {"RenderBucketName": "no farm's"},
        "Half-Queues": bake,
    }
    assert farms_of(stacks) == {
        "Film": {**storage, "Other": "x", **bake},
        "Film-Test": {**storage, "BakeQueueUrl": "r"},
    }


def test_the_only_farm_on_aws_is_meant(aws: str) -> None:
    with a_deployed_farm(aws, "Film", FILM):
        chosen = which_farm(None)
    assert (chosen.name, chosen.dashboard_url) == ("Film", "https://dashboard.example/#farm")
    farm = chosen.farm
    assert (farm.bucket, farm.table.name, farm.bake_queue_url) == (
        "film-bucket",
        "film-jobs",
        "https://sqs/film",
    )
    assert chosen.outputs["WorkerGroupName"] == "workers"


def test_several_farms_are_listed_and_one_is_named(aws: str) -> None:
    advert = outputs_of("advert-bucket", "t", "q")
    with a_deployed_farm(aws, "Film", FILM), a_deployed_farm(aws, "Advert", advert):
        with pytest.raises(MisusedError, match=rf"Advert \({REGION}\), Film \({REGION}\).*--farm Advert"):
            which_farm(None)
        assert which_farm("Advert").farm.bucket == "advert-bucket"
        with pytest.raises(WhichFarmError, match=r"no farm 'Nope'; there is Advert .*, Film"):
            which_farm("Nope")


def test_no_farm_says_how_to_make_one(aws: str) -> None:
    with pytest.raises(WhichFarmError, match=rf"(?s)farm local up.*{REGION}.*cdk deploy --all"):
        which_farm(None)


def test_without_credentials_it_says_so() -> None:
    with pytest.raises(WhichFarmError, match=r"farm local up.*no credentials.*aws configure"):
        which_farm(None)
    with pytest.raises(WhichFarmError, match=r"no farm 'Film'.*no credentials"):
        which_farm("Film")
    with pytest.raises(WhichFarmError, match="the laptop farm is down: `farm local up`"):
        which_farm(LOCAL)


def test_a_profile_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    with pytest.raises(WhichFarmError, match="nosuch"):
        which_farm(None)


def test_half_a_farm_is_none(aws: str) -> None:
    with (
        a_deployed_farm(aws, "Film", {"Storage": FILM["Storage"]}),
        pytest.raises(WhichFarmError, match=r"Film in .* is not whole.*BakeQueueUrl.*cdk deploy --all"),
    ):
        which_farm(None)


def test_a_farm_that_was_deleted_is_none(aws: str) -> None:
    with a_deployed_farm(aws, "Film", FILM):
        pass
    with pytest.raises(WhichFarmError, match="there is no farm"):
        which_farm(None)


def test_the_laptop_farm_alone_is_meant_and_nobody_waits_for_a_machines_role(
    laptop: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as (port, came):
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{port}")
        assert (which_farm(None).name, which_farm(None).note) == (LOCAL, "")
        assert came == []
        with pytest.raises(WhichFarmError, match="no farm 'Film'"):
            which_farm("Film")
        assert came, "asked where only AWS can be meant"


def test_the_laptop_farm_reads_no_profile(laptop: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    chosen = which_farm(None)
    assert (chosen.name, chosen.farm.bucket) == (LOCAL, "here")
    assert "nosuch" in chosen.note
    assert chosen.clients.s3.meta.endpoint_url == "http://127.0.0.1:1"


def test_a_laptop_farm_beside_one_on_aws_has_to_be_named(laptop: StateFolder, aws: str) -> None:
    with a_deployed_farm(aws, "Film", FILM):
        with pytest.raises(MisusedError, match=rf"local \(on this .*\), Film \({REGION}\).*--farm local"):
            which_farm(None)
        assert which_farm(LOCAL).farm.bucket == "here"
        assert which_farm("Film").farm.bucket == "film-bucket"


def test_a_laptop_farm_serves_where_aws_cannot_be_asked(
    laptop: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    chosen = which_farm(None)
    assert chosen.name == LOCAL
    assert chosen.note.startswith("AWS was not asked for farms: Could not connect")


def test_a_laptop_farm_whose_emulator_is_gone_is_down(laptop: StateFolder) -> None:
    processes.forget(laptop, emulator.NAME)
    with pytest.raises(WhichFarmError, match="The laptop farm is down"):
        which_farm(None)


def test_a_setting_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_LOCAL_AGENTS", "many")
    with pytest.raises(MisusedError, match="FARM_LOCAL_AGENTS is 'many'"):
        which_farm(None)


def test_the_region_is_the_environments_the_profiles_or_the_apps(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    with pytest.raises(WhichFarmError, match="In eu-north-1"):
        which_farm(None)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    with pytest.raises(WhichFarmError, match="In ap-south-1"):
        which_farm(None)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(WhichFarmError, match="In us-east-1"):
        which_farm(None)
