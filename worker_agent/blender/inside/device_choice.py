"""Which device renders a scene: by what was asked, what the job has frames of, and what is here.

Values in, values out; nothing here touches Blender.
"""

from dataclasses import dataclass

from .wire import Failure

CPU, OPENGL = "CPU", "OPENGL"
NO_DEVICE = "no_device"
"""Code of the failure: nothing is wrong with the file, another worker may have the device."""


@dataclass(frozen=True)
class Gpu:
    """What Cycles can render with: its interface (OPTIX, CUDA or HIP) and the names of the devices."""

    interface: str
    names: "tuple[str, ...]"


@dataclass(frozen=True)
class Choice:
    """`kind` is a contract.devices.Device, `name` what it calls itself, `note` is for the job's record."""

    kind: str
    name: str = ""
    note: str = ""


def for_cycles(*, asked: "str | None", bound: str, saved_as: str, gpu: "Gpu | None") -> Choice:
    """Of a scene that Cycles renders.

    `asked` is cpu, gpu or None, `bound` the kind that the job's other frames have (empty: none yet),
    `saved_as` CPU or GPU as the file has it. Raises Failure when a GPU is demanded and not here.
    """
    on_gpu = Choice(gpu.interface, ", ".join(gpu.names)) if gpu else None
    if bound:
        if bound == CPU:
            return Choice(CPU)
        if on_gpu is None or on_gpu.kind != bound:
            raise Failure(NO_DEVICE, f"The job's frames are rendered with {bound}, and {_has(on_gpu)}.")
        return on_gpu
    if asked == "cpu":
        return Choice(CPU)
    if asked == "gpu":
        if on_gpu is None:
            raise Failure(NO_DEVICE, f"device is gpu, and {_has(None)}. {_REMEDY}")
        return on_gpu
    if saved_as == CPU:
        return Choice(CPU, note=_SAVED_AS_CPU if on_gpu else "")
    return on_gpu or Choice(CPU, note=_SAVED_AS_GPU)


def for_drawing(*, engine: str, asked: "str | None", bound: str, renderer: str) -> Choice:
    """Of a scene that is drawn: EEVEE, Workbench.

    `renderer` is what OpenGL calls the graphics card, empty when it draws in software, which is quiet about
    it. Raises Failure when a GPU is demanded and not here, or the CPU and OpenGL has a GPU.
    """
    here = Choice(OPENGL, renderer) if renderer else Choice(CPU)
    if bound:
        if here.kind != bound:
            raise Failure(NO_DEVICE, f"The job's frames are rendered with {bound}, and {_has(here)}.")
        return here
    if asked == "gpu" and here.kind == CPU:
        reason = f"device is gpu, and {engine} would draw in software (llvmpipe): no worker's GPU was found."
        raise Failure(NO_DEVICE, f"{reason} {_REMEDY}")
    if asked == "cpu" and here.kind == OPENGL:
        reason = f"device is cpu, and {engine} draws with the GPU of a worker that has one ({renderer})."
        raise Failure("bad_option", f"{reason} Leave the option out, or render with Cycles.")
    return here


_REMEDY = (
    "Ask for device=cpu, or give the farm instance types that have a GPU (variable instance_types, such as "
    "g5.xlarge)."
)
_SAVED_AS_GPU = "The scene is saved to render on a GPU. The farm has none for it: it renders on the CPU."
_SAVED_AS_CPU = "The scene is saved to render on the CPU, and so it is. With device=gpu it would use a GPU."


def _has(choice: "Choice | None") -> str:
    if choice is None:
        return "Blender finds no GPU on this worker that Cycles can use"
    return f"this worker has {choice.kind}" + (f" ({choice.name})" if choice.name else "")
