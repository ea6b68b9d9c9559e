"""Ctrl-C while nothing comes and nothing goes: it ends at once, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from contract.frame_record import FrameRecord
from contract.job import FrameState
from contract.keys import frames_prefix
from farm.jobs import Farm
from farm.plain_errors import INTERRUPTED
from farm.screen import PlainScreen
from farm.submission import Order, Submission, Submitter
from farm.transfer.job_files import JobFiles
from tests.faults.breaking_relay import BreakingRelay
from tests.faults.proxy import FaultProxy
from tests.support.ctrl_c import hear_ctrl_c
from tests.support.emulator import AwsClients
from tests.unit.test_farm_jobs import JOB

ROOT = Path(__file__).resolve().parents[2]
CONTENT = os.urandom(4 * 1024**2)
END_SECONDS = 15
"""A client waits 30 seconds for a connection that is silent."""


def a_farm(endpoint: str, bucket: str) -> Farm:
    nothing: Any = None
    s3 = AwsClients(endpoint).client("s3")
    return Farm(s3=s3, table=nothing, sqs=nothing, bucket=bucket, bake_queue_url="")


def submit(endpoint: str, bucket: str, file: str) -> Submission:
    submitter = Submitter(farm=a_farm(endpoint, bucket), console=Console(stderr=True, width=300))
    return submitter.submit(Order(file=Path(file), project=None, asked={"frames": "1-2"}))


def download(endpoint: str, bucket: str, folder: str) -> None:
    frame = FrameRecord(frame=1, state=FrameState.DONE, files=("0001.png",))
    screen = PlainScreen(Console(stderr=True))
    with JobFiles(farm=a_farm(endpoint, bucket), folder=Path(folder), screen=screen) as files:
        files.take(JOB, frame)
        files.wait()


def stopped(emulator: str, what: str, bucket: str, path: Path, cache: Path) -> tuple[int, str]:
    """Exit status and what was said of a process that got Ctrl-C when its connection had fallen silent."""
    program = (
        "import sys; from farm.plain_errors import plain_errors; "
        "from tests.faults.test_stopped_transfers import *\n"
        f"with plain_errors(): {what}(*sys.argv[1:])"
    )
    relay = BreakingRelay(emulator, silent_after=len(CONTENT) // 2).start()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", program, relay.endpoint, bucket, str(path)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_ctrl_c,
        ) as child:
            try:
                assert relay.silent.wait(60)
                child.send_signal(signal.SIGINT)
                _, said = child.communicate(timeout=END_SECONDS)
            finally:
                child.kill()
    finally:
        relay.stop()
    return child.returncode, said


def test_an_upload_stops_at_once_and_says_how_it_goes_on(
    emulator: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "film.zip"
    file.write_bytes(CONTENT)
    status, said = stopped(emulator, "submit", bucket, file, tmp_path)
    assert status == INTERRUPTED
    assert "stopped the upload of film.zip: the same command goes on where it was" in said
    assert "Traceback" not in said
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    proxy = FaultProxy(emulator).start()
    try:
        submit(proxy.endpoint, bucket, str(file))
    finally:
        proxy.stop()
    assert proxy.counts.requests["s3.CreateMultipartUpload"] == 0


def test_a_download_stops_at_once(emulator: str, bucket: str, tmp_path: Path) -> None:
    key = frames_prefix(JOB.project, JOB.job_id) + "0001.png"
    AwsClients(emulator).client("s3").put_object(Bucket=bucket, Key=key, Body=CONTENT)
    status, said = stopped(emulator, "download", bucket, tmp_path / "out", tmp_path)
    assert (status, "Traceback" in said) == (INTERRUPTED, False), said
    assert not (tmp_path / "out/0001.png").exists()
    download(emulator, bucket, str(tmp_path / "out"))
    assert (tmp_path / "out/0001.png").read_bytes() == CONTENT
