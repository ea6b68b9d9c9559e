"""The agent's packages as they are had at synth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stacks.agent_wheels import PACKAGES, WheelsError, downloaded_wheels, packages_hash
from stacks.assets import ROOT


def pins(path: Path) -> set[str]:
    return set(re.findall(r"^[a-z0-9-]+==[^\s;\\]+", path.read_text(), re.MULTILINE))


def test_every_package_has_the_version_it_is_tested_with_and_its_hashes() -> None:
    assert pins(PACKAGES) <= pins(ROOT / "requirements.txt")
    for package in re.split(r"\n(?=\S)", PACKAGES.read_text().strip()):
        assert "--hash=sha256:" in package, package


def test_what_was_downloaded_is_not_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / packages_hash()).mkdir()
    assert downloaded_wheels(kept=tmp_path) == tmp_path / packages_hash()


def test_a_synth_that_cannot_download_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        WheelsError, match=r"packages\.txt.* connect this computer, .*node_image_prepared=yes"
    ):
        downloaded_wheels(kept=tmp_path)
    assert not list(tmp_path.iterdir()), "half a download is none"
