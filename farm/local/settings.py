"""What a person may set about the farm on their computer, by environment variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


class LocalSettingsError(ValueError):
    """A setting the laptop farm cannot work with; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """Read once, by the command; passed on to the fleet by `to_env`."""

    state_dir: Path
    """Everything the laptop farm keeps: ports, process ids, logs, scratch."""
    max_agents: int
    """Agents that run at once, whatever capacity the farm wants: a laptop has one processor."""
    scale_in_seconds: float
    """How long fewer agents must be wanted before one is stopped."""
    blenders: tuple[str, ...]
    """Paths of Blender executables and of Pythons that have bpy; none: what the environment can have."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> LocalSettings:
        """Read and check. Raises LocalSettingsError."""
        return cls(
            state_dir=Path(env.get("FARM_STATE_DIR") or ROOT / ".farm").resolve(),
            max_agents=int(_number(env, "FARM_LOCAL_AGENTS", max(1, (os.cpu_count() or 1) // 2), whole=True)),
            scale_in_seconds=_number(env, "FARM_LOCAL_SCALE_IN_SECONDS", 10, whole=False),
            blenders=tuple(
                str(Path(path).expanduser().absolute())
                for path in env.get("FARM_BLENDER", "").split(os.pathsep)
                if path
            ),
        )

    def to_env(self) -> dict[str, str]:
        return {
            "FARM_STATE_DIR": str(self.state_dir),
            "FARM_LOCAL_AGENTS": str(self.max_agents),
            "FARM_LOCAL_SCALE_IN_SECONDS": str(self.scale_in_seconds),
            "FARM_BLENDER": os.pathsep.join(self.blenders),
        }


def blender_folder(env: Mapping[str, str]) -> Path:
    """Where the Blenders that laptop farms install are kept, one folder for all farms of a person."""
    cache = env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or Path.home(), ".cache")
    return Path(cache, "autoblenderrender", "blender")


def region_of(cdk_json: Path) -> str:
    """The region that the CDK app deploys to; the emulator has them all."""
    try:
        return str(json.loads(cdk_json.read_text("utf-8"))["context"]["region"]) or "us-east-1"
    except (OSError, ValueError, KeyError, TypeError):
        return "us-east-1"


def _number(env: Mapping[str, str], name: str, default: float, *, whole: bool) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(int(text) if whole else float(text))
    except ValueError:
        number = -1
    if not (1 if whole else 0) <= number <= 1000:
        kind = "whole number from 1" if whole else "number from 0"
        raise LocalSettingsError(f"{name} is {text[:80]!r}: expected a {kind} to 1000")
    return number
