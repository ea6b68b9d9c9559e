"""Whether a machine has a GPU, driver or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker_agent.host.gpu import has_gpu


def pci(folder: Path, **devices: tuple[str, str]) -> Path:
    for address, (vendor, kind) in devices.items():
        (folder / address).mkdir()
        (folder / address / "vendor").write_text(f"{vendor}\n")
        (folder / address / "class").write_text(f"{kind}\n")
    return folder


@pytest.mark.parametrize(
    ("vendor", "kind", "there"),
    [
        ("0x10de", "0x030200", True),
        ("0x1002", "0x030000", True),
        ("0x1d0f", "0x030000", False),
        ("0x10de", "0x040300", False),
        ("0x8086", "0x030000", False),
    ],
    ids=["NVIDIA T4", "Radeon", "the console of EC2", "NVIDIA's sound", "Intel's"],
)
def test_a_gpu_is_known_without_its_driver(tmp_path: Path, vendor: str, kind: str, there: bool) -> None:
    assert has_gpu(pci(tmp_path, a=("0x1d0f", "0x020000"), b=(vendor, kind))) is there


def test_no_pci_at_all(tmp_path: Path) -> None:
    (tmp_path / "unplugged").mkdir()
    assert not has_gpu(tmp_path)
    assert not has_gpu(tmp_path / "none")
