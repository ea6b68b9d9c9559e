"""A real emulator with a bucket, a file to send there, and a proxy between that counts what passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.faults.interrupted_agent import Cloud, a_cloud
from tests.faults.proxy import FaultProxy
from tests.faults.transfers import CONTENT
from tests.support.emulator import AwsClients, an_emulator


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with an_emulator(tmp_path_factory.mktemp("emulator")) as endpoint:
        yield endpoint


@pytest.fixture
def s3(emulator: str) -> Any:
    """Past all that breaks."""
    return AwsClients(emulator).client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"b-{uuid4()}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.zip"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def proxy(emulator: str) -> Iterator[FaultProxy]:
    """It counts what passes."""
    proxy = FaultProxy(emulator).start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with a_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud
