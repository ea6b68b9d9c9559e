"""No process of the laptop farm can reach a real AWS account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.local.environment import aws_variables, child_environment, without_aws
from farm.local.settings import LocalSettings, LocalSettingsError
from farm.plain_errors import MISUSED

REAL = {
    "AWS_PROFILE": "studio-production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL": "https://s3.studio.example",
    "AWS_ENDPOINT_URL_S3": "https://s3.studio.example",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/x",
    "AWS_CONFIG_FILE": "/home/me/.aws/config",
    "aws_profile": "studio-production",
}
PERSON = {
    **REAL,
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "GITHUB_TOKEN": "secret",
    "PYTHONPATH": "/x",
    "LC_ALL": "C",
}


def test_a_child_gets_our_aws_variables_and_no_other(tmp_path: Path) -> None:
    env = child_environment(PERSON, endpoint="http://127.0.0.1:1", state_dir=tmp_path)
    ours = aws_variables(endpoint="http://127.0.0.1:1", state_dir=tmp_path)
    assert {name: value for name, value in env.items() if name.upper().startswith("AWS")} == {
        name: value for name, value in ours.items() if name.startswith("AWS")
    }
    assert not set(REAL.values()) & set(env.values())
    assert not Path(env["AWS_CONFIG_FILE"]).exists()


def test_a_child_gets_no_secret_and_no_python_settings(tmp_path: Path) -> None:
    env = child_environment(PERSON, endpoint=None, state_dir=tmp_path)
    assert not {"GITHUB_TOKEN", "PYTHONPATH"} & set(env)
    assert env["HOME"] == "/home/me"
    assert env["LC_ALL"] == "C"


def test_python_and_node_of_the_environment_come_first(tmp_path: Path) -> None:
    env = child_environment(PERSON, endpoint=None, state_dir=tmp_path)
    assert env["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_without_aws() -> None:
    assert without_aws({**REAL, "HOME": "/home/me"}) == {"HOME": "/home/me"}


def test_the_command_itself_forgets_the_persons_account(tmp_path: Path) -> None:
    """A real child: a profile in the environment that is not there would break every client."""
    program = """
import json, os
from farm.local import clients, commands
from farm.local.state import FarmRecord
commands._settings()
outputs = {"JobTableName": "t", "RenderBucketName": "b", "BakeQueueUrl": "q"}
s3 = clients.farm_of(FarmRecord(endpoint="http://127.0.0.1:9", outputs=outputs)).s3
left = {name: value for name, value in os.environ.items() if "real" in value or "studio" in value}
print(json.dumps([s3.meta.endpoint_url, s3._request_signer._credentials.access_key, left]))
"""
    env = {**os.environ, **REAL, "FARM_STATE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["http://127.0.0.1:9", "test", {}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FARM_LOCAL_AGENTS", "0"),
        ("FARM_LOCAL_AGENTS", "1.5"),
        ("FARM_LOCAL_AGENTS", "many"),
        ("FARM_LOCAL_MINUTE_SECONDS", "0"),
        ("FARM_LOCAL_MINUTE_SECONDS", "nan"),
        ("FARM_LOCAL_HOUR_DOLLARS", "-1"),
        ("FARM_LOCAL_SESSIONS", "0"),
        ("FARM_LOCAL_SESSIONS", "some"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(LocalSettingsError, match=name):
        LocalSettings.from_env({name: value})


@pytest.mark.parametrize(("asked", "sessions"), [("", 1), ("3", 3), ("auto", None)])
def test_an_agent_has_one_blender_open_unless_asked(asked: str, sessions: int | None) -> None:
    settings = LocalSettings.from_env({"FARM_LOCAL_SESSIONS": asked})
    assert settings.blender_sessions == sessions
    assert LocalSettings.from_env(settings.to_env()).blender_sessions == sessions


def test_settings_reach_the_fleet_as_they_are() -> None:
    settings = LocalSettings.from_env(
        {
            "FARM_STATE_DIR": "/tmp/x",
            "FARM_LOCAL_AGENTS": "3",
            "FARM_LOCAL_MINUTE_SECONDS": "1.5",
            "FARM_LOCAL_HOUR_DOLLARS": "0.25",
            "FARM_BLENDER": "/b",
        }
    )
    assert settings.minute_seconds == 1.5
    assert LocalSettings.from_env(settings.to_env()) == settings
    assert MISUSED == 2
