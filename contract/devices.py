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
