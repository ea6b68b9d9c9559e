"""Devices by the words that people read."""

from __future__ import annotations

import pytest

from contract.devices import Device, device_words
from contract.job import Progress
from contract.job_view import JobView
from tests.support.jobs import a_job


@pytest.mark.parametrize("device", Device)
def test_every_device_has_words(device: Device) -> None:
    assert device_words(str(device)) == device.words
    assert ("GPU" in device.words) is (device is not Device.CPU)


@pytest.mark.parametrize("recorded", ["", "METAL"])
def test_what_another_version_wrote_is_shown_as_it_stands(recorded: str) -> None:
    assert device_words(recorded) == recorded


def test_a_job_is_shown_with_its_device() -> None:
    job = a_job(device="OPTIX", device_note="a note")
    view = JobView.of(job, Progress(), [])
    assert (view.device, view.device_note) == ("GPU (OptiX)", "a note")
