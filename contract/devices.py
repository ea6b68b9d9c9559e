"""What renders a job's frames: the same for every one of them, since CPUs and GPUs differ in the noise."""

from __future__ import annotations

from enum import StrEnum


class Device(StrEnum):
    """The CPU, or the interface through which Blender reaches a GPU."""

    CPU = "CPU"
    OPTIX = "OPTIX"
    """Cycles on NVIDIA, as CUDA is; the quicker of the two."""
    CUDA = "CUDA"
    HIP = "HIP"
    """Cycles on AMD."""
    OPENGL = "OPENGL"
    """EEVEE and Workbench, which draw: they use the GPU whenever there is one."""

    @property
    def words(self) -> str:
        """As a person says it: "CPU", "GPU (OptiX)"."""
        return _WORDS[self]


_WORDS = {
    Device.CPU: "CPU",
    Device.OPTIX: "GPU (OptiX)",
    Device.CUDA: "GPU (CUDA)",
    Device.HIP: "GPU (HIP)",
    Device.OPENGL: "GPU (OpenGL)",
}


def device_words(recorded: str) -> str:
    """Of what a job's record has, which another version of the farm may have written: that as it stands."""
    return Device(recorded).words if recorded in Device.__members__.values() else recorded
