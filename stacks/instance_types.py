"""What is known of EC2's instance types: which have a GPU, whose it is, and which image drives it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Gpu(StrEnum):
    """Who made a machine's GPU."""

    NVIDIA = "NVIDIA"
    AMD = "AMD"


CPU_EXAMPLE, GPU_EXAMPLE = "m6i.2xlarge,m5.2xlarge", "g5.2xlarge,g6.2xlarge"
_GPU_FAMILY: Final = re.compile(r"(g|gr|p)[0-9]+[a-z0-9-]*", re.ASCII)
"""By AWS's naming: g and gr are graphics intensive, p is accelerated by GPUs; the letters behind the number
say more ("Amazon EC2 instance type naming conventions"). inf, trn, dl, vt and f have accelerators that no
Blender uses."""
_AMD_FAMILIES: Final = {"g4ad"}
_OWN_DRIVER: Final = {
    "g4ad": "AMD's driver, for which AWS publishes no image under a name",
    "g3": "NVIDIA's proprietary driver",
    "g3s": "NVIDIA's proprietary driver",
    "p2": "NVIDIA's proprietary driver",
    "p3": "NVIDIA's proprietary driver",
    "p3dn": "NVIDIA's proprietary driver",
    "g6f": "NVIDIA's GRID driver, for it has a part of a GPU",
    "gr6f": "NVIDIA's GRID driver, for it has a part of a GPU",
}
"""GPU families that the image below does not drive: its open kernel modules begin with Turing, the T4's."""
GPU_IMAGE_PARAMETER: Final = (
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id"
)
"""AWS's public parameter of its Deep Learning Base AMI with the open NVIDIA driver on Amazon Linux 2023
(AWS Deep Learning AMIs developer guide, release notes of the Base AMIs)."""
CPU_IMAGE_PARAMETER: Final = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"""AWS's of Amazon Linux 2023 (its user guide, "Launching AL2023 using the SSM parameter and AWS CLI")."""
SYSTEM_DISK_GIB: Final = 20
"""The system, the agent's packages, and each Blender with 1.5 GB."""
GPU_SYSTEM_DISK_GIB: Final = 100
"""A disk is no smaller than its image, and the Deep Learning AMI has 75 GiB."""


def gpu_of(instance_type: str) -> Gpu | None:
    """None for a type without a GPU."""
    family = _family(instance_type)
    if not _GPU_FAMILY.fullmatch(family):
        return None
    return Gpu.AMD if family in _AMD_FAMILIES else Gpu.NVIDIA


def mixture(instance_types: Iterable[str]) -> str:
    """What keeps these types from making one fleet, as what is expected instead; empty when nothing does."""
    makers = {gpu_of(name) for name in instance_types}
    if len(makers) < 2:
        return ""
    if None in makers:
        return (
            f"types with a GPU alone ({GPU_EXAMPLE}) or types without one alone ({CPU_EXAMPLE}): frames of "
            "CPUs and of GPUs do not match each other"
        )
    return "GPUs of one maker, NVIDIA or AMD: they need different images, and their frames do not match"


def driver_wanted(instance_types: Iterable[str]) -> str:
    """What an image must bring for these types that no default image has; empty when the default will do."""
    wanted = [
        f"{name} needs {_OWN_DRIVER[_family(name)]}"
        for name in instance_types
        if _family(name) in _OWN_DRIVER
    ]
    return "; ".join(wanted)


def image_parameter(gpu: Gpu | None) -> str:
    """AWS's public parameter with the id of the image that such machines begin with."""
    return GPU_IMAGE_PARAMETER if gpu else CPU_IMAGE_PARAMETER


def system_disk_gib(gpu: Gpu | None) -> int:
    """How large a machine's first disk is."""
    return GPU_SYSTEM_DISK_GIB if gpu else SYSTEM_DISK_GIB


def _family(instance_type: str) -> str:
    return instance_type.partition(".")[0]
