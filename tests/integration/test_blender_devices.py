"""Which device a real Blender renders with, on a machine that has no GPU for it, and what it says of that."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from contract.cage.roots import graphics_devices
from contract.devices import Device
from contract.failures import FailureKind
from tests.support.blender import SECONDS, render, same_picture, start_session
from tests.support.scenes import scene_file
from worker_agent.blender import BlenderFailed, BlenderSession, DeviceUnavailable, RenderDevice
from worker_agent.blender.failure_kinds import kind_of
from worker_agent.blender.inside import devices, rendering
from worker_agent.blender.inside.device_choice import Choice, Gpu
from worker_agent.blender.inside.wire import Failure

pytestmark = pytest.mark.skipif(bool(graphics_devices()), reason="this machine has a GPU")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlenderSession]:
    with start_session(tmp_path_factory.mktemp("session")) as running:
        yield running


def test_a_gpu_that_is_asked_for_and_not_there_is_refused_with_its_reason(session: BlenderSession) -> None:
    for name in ("plain", "saved_as_gpu"):
        with pytest.raises(DeviceUnavailable, match=r"device is gpu, and Blender finds no GPU .*g5\.xlarge"):
            session.open(scene_file(name), {"device": "gpu"}, SECONDS)


def test_a_job_with_frames_of_a_gpu_is_not_gone_on_with_on_a_cpu(session: BlenderSession) -> None:
    with pytest.raises(DeviceUnavailable, match="rendered with OPTIX, and Blender finds no GPU"):
        session.open(scene_file("saved_as_gpu"), {}, SECONDS, bound_device=Device.OPTIX)


def test_a_scene_merely_saved_as_gpu_renders_on_the_cpu_and_says_so(
    session: BlenderSession, tmp_path: Path
) -> None:
    session.open(scene_file("saved_as_gpu"), {}, SECONDS)
    assert session.device.kind is Device.CPU
    assert "saved to render on a GPU" in session.device.note
    render(session, [1], tmp_path / "gpu")
    session.open(scene_file("plain"), {}, SECONDS)
    assert session.device == RenderDevice()
    render(session, [1], tmp_path / "cpu")
    assert same_picture(tmp_path / "gpu/0001.png", tmp_path / "cpu/0001.png")


@pytest.mark.parametrize("engine", ["EEVEE", "WORKBENCH"])
def test_drawing_in_software_is_no_gpu(session: BlenderSession, engine: str) -> None:
    with pytest.raises(DeviceUnavailable, match=r"would draw in software \(llvmpipe\)"):
        session.open(scene_file("plain"), {"engine": engine, "device": "gpu"}, SECONDS)
    session.open(scene_file("plain"), {"engine": engine}, SECONDS)
    assert session.device == RenderDevice()


IN_BLENDER = """
import os, sys, bpy
from pathlib import Path
from types import SimpleNamespace
from worker_agent.blender.inside import devices, rendering
from worker_agent.blender.inside.device_choice import Choice
from worker_agent.blender.inside.wire import Failure

folder, blend = sys.argv[-2:]
before = len(bpy.data.scenes), len(bpy.data.objects), len(bpy.data.cameras)
print("card:", repr(devices.graphics_card(Path(folder))))
import gpu
print("drew with", gpu.platform.renderer_get())
print("left:", before == (len(bpy.data.scenes), len(bpy.data.objects), len(bpy.data.cameras)))
bpy.ops.wm.open_mainfile(filepath=blend)
wire = SimpleNamespace(send=lambda *a, **k: print("sent", a, k))
try:
    rendering.render(bpy.context.scene, Choice("OPTIX"), [1], Path(folder, "out"), wire)
except Failure as failure:
    print("failed:", failure.code, failure.frame, failure.reason)
sys.stdout.flush()
os._exit(0)
"""


def test_a_fallback_is_seen_through_in_a_blender_that_has_rendered(tmp_path: Path) -> None:
    """What draws is asked by drawing; what rendered, after each frame. In a process of its own."""
    (tmp_path / "dri").mkdir()
    (tmp_path / "dri/renderD128").touch()
    done = subprocess.run(
        [sys.executable, "-c", IN_BLENDER, str(tmp_path), str(scene_file("saved_as_gpu"))],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "card: ''" in done.stdout, done.stderr
    assert "drew with llvmpipe" in done.stdout
    assert "left: True" in done.stdout
    assert "sent" not in done.stdout, "its frame is none"
    assert "failed: no_device 1 The frame was rendered by the CPU" in done.stdout


class _Turned:
    """A scene whose script has turned to the CPU, or not."""

    def __init__(self, device: str) -> None:
        self.render = SimpleNamespace(engine="CYCLES")
        self.cycles = SimpleNamespace(device=device)


@pytest.mark.parametrize(
    ("device", "gpu_is_on", "choice", "well"),
    [
        ("GPU", True, "OPTIX", True),
        ("GPU", False, "OPTIX", False),
        ("CPU", True, "OPTIX", False),
        ("CPU", True, "CPU", True),
        ("CPU", False, "CPU", True),
        ("GPU", False, "CPU", True),
        ("GPU", True, "CPU", False),
    ],
)
def test_a_frame_of_another_device_than_the_jobs_is_none(
    monkeypatch: pytest.MonkeyPatch, device: str, gpu_is_on: bool, choice: str, well: bool
) -> None:
    preferences = SimpleNamespace(has_active_device=lambda: gpu_is_on)
    monkeypatch.setattr(devices, "_preferences", lambda: preferences)
    if well:
        devices.check_still_there(_Turned(device), Choice(choice))
    else:
        with pytest.raises(Failure, match="The frame was rendered by"):
            devices.check_still_there(_Turned(device), Choice(choice))


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("Error: System is out of GPU memory", FailureKind.OUT_OF_MEMORY, "device=cpu"),
        (
            "Error: Out of memory in CUDA queue enqueue (shade_surface)",
            FailureKind.OUT_OF_MEMORY,
            "device=cpu",
        ),
        ("Error: Illegal address in CUDA queue synchronize (integrator_reset)", FailureKind.GPU_LOST, ""),
        ("Error: OPTIX_ERROR_LAUNCH_FAILURE in optixLaunch(…)", FailureKind.GPU_LOST, ""),
    ],
)
def test_what_cycles_says_of_a_gpu_has_a_name(said: str, kind: FailureKind, advice: str) -> None:
    failure = rendering._explain(said, 7)
    assert advice in failure.reason
    error = BlenderFailed(failure.reason, failure.code, "", failure.frame)
    assert kind_of(error) is kind


@dataclass
class _Device:
    name: str
    type: str
    use: bool = False


@dataclass
class _Preferences:
    """Those of a Cycles that finds GPUs, which there are none of here."""

    all_devices: list[_Device]
    built_with: tuple[str, ...] = ("OPTIX", "CUDA", "HIP", "NONE")
    broken: tuple[str, ...] = ()
    """Interfaces whose devices are listed, and cannot be used."""
    devices: list[_Device] = field(default_factory=list)
    _interface: str = "NONE"

    @property
    def compute_device_type(self) -> str:
        return self._interface

    @compute_device_type.setter
    def compute_device_type(self, value: str) -> None:
        if value not in self.built_with:
            raise TypeError(f"enum {value} not found")
        self._interface = value

    def refresh_devices(self) -> None:
        self.devices = self.all_devices

    def has_active_device(self) -> bool:
        found = [device for device in self.devices if device.type == self._interface and device.use]
        return bool(found) and self._interface not in self.broken


def _machine() -> list[_Device]:
    return [
        _Device("AMD EPYC", "CPU", use=True),
        _Device("Tesla T4", "CUDA"),
        _Device("Tesla T4", "OPTIX"),
        _Device("Tesla T4 2", "OPTIX"),
    ]


@pytest.mark.parametrize(
    ("preferences", "gpu", "used"),
    [
        (_Preferences(_machine()), Gpu("OPTIX", ("Tesla T4", "Tesla T4 2")), "OPTIX"),
        (_Preferences(_machine(), broken=("OPTIX",)), Gpu("CUDA", ("Tesla T4",)), "CUDA"),
        (_Preferences(_machine(), built_with=("CUDA", "NONE")), Gpu("CUDA", ("Tesla T4",)), "CUDA"),
        (_Preferences([_Device("Radeon", "HIP")]), Gpu("HIP", ("Radeon",)), "HIP"),
        (_Preferences(_machine(), broken=("OPTIX", "CUDA")), None, "NONE"),
        (_Preferences([_Device("AMD EPYC", "CPU")]), None, "NONE"),
    ],
)
def test_gpus_alone_are_turned_on(preferences: _Preferences, gpu: Gpu | None, used: str) -> None:
    assert devices.turn_on_gpus(preferences) == gpu
    assert preferences.compute_device_type == used
    if gpu:
        assert {device.type for device in preferences.devices if device.use} == {used}
