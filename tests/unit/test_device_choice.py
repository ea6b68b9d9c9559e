"""Which device renders a scene, by what was asked, what is here, and what the job's other frames have."""

from __future__ import annotations

import pytest

from contract.devices import Device
from worker_agent.blender import RenderDevice
from worker_agent.blender.inside.device_choice import Choice, Gpu, for_cycles, for_drawing
from worker_agent.blender.inside.wire import Failure

A10G = Gpu("OPTIX", ("NVIDIA A10G",))
ON_A10G = Choice("OPTIX", "NVIDIA A10G")
CPU = Choice("CPU")


@pytest.mark.parametrize(
    ("asked", "bound", "saved_as", "gpu", "kind", "noted"),
    [
        (None, "", "CPU", None, "CPU", ""),
        (None, "", "GPU", None, "CPU", "saved to render on a GPU"),
        (None, "", "GPU", A10G, "OPTIX", ""),
        (None, "", "CPU", A10G, "CPU", "device=gpu"),
        ("cpu", "", "GPU", A10G, "CPU", ""),
        ("cpu", "", "GPU", None, "CPU", ""),
        ("gpu", "", "CPU", A10G, "OPTIX", ""),
        ("gpu", "", "GPU", A10G, "OPTIX", ""),
        # frames of a job never mix, whatever is asked, saved or here
        ("gpu", "CPU", "GPU", A10G, "CPU", ""),
        (None, "CPU", "GPU", A10G, "CPU", ""),
        ("cpu", "OPTIX", "CPU", A10G, "OPTIX", ""),
        (None, "OPTIX", "CPU", A10G, "OPTIX", ""),
    ],
)
def test_cycles(asked: str | None, bound: str, saved_as: str, gpu: Gpu | None, kind: str, noted: str) -> None:
    choice = for_cycles(asked=asked, bound=bound, saved_as=saved_as, gpu=gpu)
    assert choice.kind == kind
    assert choice.name == ("NVIDIA A10G" if kind == "OPTIX" else "")
    assert noted in choice.note
    assert bool(choice.note) == bool(noted)


@pytest.mark.parametrize(
    ("asked", "bound", "gpu"),
    [
        ("gpu", "", None),
        ("gpu", "OPTIX", None),
        (None, "OPTIX", None),
        (None, "CUDA", A10G),
        (None, "HIP", A10G),
    ],
)
def test_cycles_never_takes_another_device_without_a_word(
    asked: str | None, bound: str, gpu: Gpu | None
) -> None:
    with pytest.raises(Failure) as caught:
        for_cycles(asked=asked, bound=bound, saved_as="GPU", gpu=gpu)
    assert caught.value.code == "no_device"


@pytest.mark.parametrize(
    ("asked", "bound", "renderer", "kind"),
    [
        (None, "", "", "CPU"),
        (None, "", "NVIDIA A10G/PCIe/SSE2", "OPENGL"),
        ("gpu", "", "NVIDIA A10G/PCIe/SSE2", "OPENGL"),
        ("cpu", "", "", "CPU"),
        ("gpu", "CPU", "", "CPU"),
        ("cpu", "OPENGL", "NVIDIA A10G/PCIe/SSE2", "OPENGL"),
    ],
)
def test_drawing(asked: str | None, bound: str, renderer: str, kind: str) -> None:
    choice = for_drawing(engine="BLENDER_EEVEE_NEXT", asked=asked, bound=bound, renderer=renderer)
    assert choice == Choice(kind, renderer)


@pytest.mark.parametrize(
    ("asked", "bound", "renderer", "code", "said"),
    [
        ("gpu", "", "", "no_device", "llvmpipe"),
        (None, "OPENGL", "", "no_device", "rendered with OPENGL, and this worker has CPU"),
        (None, "CPU", "AMD Radeon", "no_device", "OPENGL (AMD Radeon)"),
        ("cpu", "", "AMD Radeon", "bad_option", "device is cpu"),
    ],
)
def test_drawing_never_takes_another_device_without_a_word(
    asked: str | None, bound: str, renderer: str, code: str, said: str
) -> None:
    with pytest.raises(Failure) as caught:
        for_drawing(engine="BLENDER_EEVEE", asked=asked, bound=bound, renderer=renderer)
    assert caught.value.code == code
    assert said in caught.value.reason


def test_choices_are_devices_of_the_record() -> None:
    for choice in (CPU, ON_A10G, Choice("OPENGL", "AMD Radeon")):
        device = RenderDevice.from_json({"kind": choice.kind, "name": choice.name, "note": choice.note})
        assert device.kind in Device
    assert RenderDevice().words == "CPU"
    assert RenderDevice(Device.OPTIX, "NVIDIA A10G").words == "OPTIX (NVIDIA A10G)"


@pytest.mark.parametrize("lie", [{"kind": "TPU", "name": "", "note": ""}, {"kind": "CPU"}])
def test_a_device_that_is_none_is_refused(lie: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        RenderDevice.from_json(lie)
