"""Whether this machine has a GPU at all. Its device files are contract.cage.roots.graphics_devices."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PCI: Final = Path("/sys/bus/pci/devices")
_VENDORS: Final = {"0x10de", "0x1002"}
"""NVIDIA and AMD, by their PCI ids: the card that EC2 shows a console on is Amazon's own."""
_DISPLAY_CLASS: Final = "0x03"
"""PCI's base class of display controllers, 3D ones included."""


def has_gpu(pci: Path = _PCI) -> bool:
    """Whether a GPU is built in, with a driver or without: what should be there, but for a fault."""
    return any(_is_gpu(device) for device in pci.glob("*"))


def _is_gpu(device: Path) -> bool:
    try:
        vendor, kind = ((device / name).read_text().strip().lower() for name in ("vendor", "class"))
    except OSError:  # it was unplugged just now
        return False
    return vendor in _VENDORS and kind.startswith(_DISPLAY_CLASS)
