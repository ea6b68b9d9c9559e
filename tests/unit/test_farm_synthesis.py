"""Templates are made once for what they are made of."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from farm.local.cdk import Cdk, DeployError
from farm.local.synthesis import synthesized


@dataclass(frozen=True, kw_only=True)
class Synthesizer(Cdk):
    """Writes a folder where the CDK would, or fails half way."""

    fails: list[bool] = field(default_factory=list)
    made: list[Path] = field(default_factory=list)

    def run(self, *arguments: str, folder: Path | None = None) -> Iterator[str]:
        output = Path(arguments[arguments.index("--output") + 1])
        output.mkdir(parents=True)
        (output / "half.json").touch()
        if self.fails and self.fails.pop():
            raise DeployError("no")
        (output / "manifest.json").write_text(" ".join(arguments))
        self.made.append(output)
        yield "done"


@pytest.fixture
def cdk(tmp_path: Path) -> Synthesizer:
    return Synthesizer(env={}, folder=tmp_path, log=io.StringIO())


def test_the_same_app_with_the_same_variables_is_synthesized_once(cdk: Synthesizer, tmp_path: Path) -> None:
    began: list[None] = []

    def ask(**variables: str) -> Path:
        return synthesized(cdk, variables, lambda: began.append(None), kept=tmp_path / "kept")

    first = ask(farm_name="A")
    assert ask(farm_name="A") == first
    assert len(began) == len(cdk.made) == 1
    assert "--context farm_name=A" in (first / "manifest.json").read_text()
    assert ask(farm_name="B") != first
    assert len(began) == 2


def test_a_failed_synthesis_leaves_nothing_that_the_next_would_take(cdk: Synthesizer, tmp_path: Path) -> None:
    cdk.fails.append(True)
    with pytest.raises(DeployError):
        synthesized(cdk, {}, lambda: None, kept=tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []
    assert (synthesized(cdk, {}, lambda: None, kept=tmp_path / "kept") / "manifest.json").is_file()


def test_one_that_another_farm_made_meanwhile_is_taken(cdk: Synthesizer, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    other = Synthesizer(env={}, folder=tmp_path, log=io.StringIO())
    made: list[Path] = []

    def begin() -> None:
        made.append(synthesized(other, {}, lambda: None, kept=kept / "elsewhere"))
        made[0].rename(kept / made[0].name)

    assert synthesized(cdk, {}, begin, kept=kept) == kept / made[0].name
    assert sorted(path.name for path in kept.iterdir()) == sorted(["elsewhere", made[0].name])


def test_what_nobody_used_for_a_day_is_forgotten(cdk: Synthesizer, tmp_path: Path) -> None:
    old, new = (tmp_path / "kept" / name for name in ("old", "new"))
    for folder, age in ((old, 90_000), (new, 80_000)):
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    synthesized(cdk, {}, lambda: None, kept=tmp_path / "kept")
    assert not old.exists()
    assert new.exists()
