"""Whether this machine has a GPU at all, and which files a program needs to use it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PCI: Final = Path("/sys/bus/pci/devices")
_VENDORS: Final = {"0x10de", "0x1002"}
"""NVIDIA and AMD, by their PCI ids: the card that EC2 shows a console on is Amazon's own."""
_DISPLAY_CLASS: Final = "0x03"
"""PCI's base class of display controllers, 3D ones included."""
_NODES: Final = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "dri/renderD*", "kfd")
"""NVIDIA's for CUDA and OptiX (nvidia-uvm is its memory), the kernel's for OpenGL and AMD's for HIP. Not
nvidia-modeset nor dri/card*, with which screens are switched."""


def has_gpu(pci: Path = _PCI) -> bool:
    """Whether a GPU is built in, with a driver or without: what should be there, but for a fault."""
    return any(_is_gpu(device) for device in pci.glob("*"))


def device_nodes(dev: Path = Path("/dev")) -> tuple[Path, ...]:
    """What a Blender must be let at to render with the GPU; none on a machine without, or without driver."""
    return tuple(sorted(path for pattern in _NODES for path in dev.glob(pattern)))


def _is_gpu(device: Path) -> bool:
    try:
        vendor, kind = ((device / name).read_text().strip().lower() for name in ("vendor", "class"))
    except OSError:  # it was unplugged just now
        return False
    return vendor in _VENDORS and kind.startswith(_DISPLAY_CLASS)
