"""What a person may set about the farm on their computer, by environment variables."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.plain_errors import MisusedError

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
_AUTO = "auto"


class LocalSettingsError(MisusedError):
    """A setting the laptop farm cannot work with; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSettings:
    """Read once, by the command; passed on to the fleet by `to_env`."""

    state_dir: Path
    """Everything the laptop farm keeps: ports, process ids, logs, scratch."""
    max_agents: int
    """Agents that run at once, whatever capacity the farm wants: a laptop has one processor."""
    minute_seconds: float
    """How long a minute of AWS is here: between two measures of the backlog, and an alarm's period."""
    blenders: tuple[str, ...]
    """Paths of Blender executables and of Pythons that have bpy; none: what the environment can have."""
    hour_dollars: float
    """What an hour of an agent is said to cost."""
    blender_sessions: int | None = 1
    """Blenders that each agent renders with at once; None: as it finds useful. They share one machine."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> LocalSettings:
        """Read and check. Raises LocalSettingsError."""
        return cls(
            state_dir=Path(env.get("FARM_STATE_DIR") or ROOT / ".farm").resolve(),
            max_agents=int(_number(env, "FARM_LOCAL_AGENTS", max(1, (os.cpu_count() or 1) // 2))),
            minute_seconds=_number(env, "FARM_LOCAL_MINUTE_SECONDS", 2, least=0.5),
            blenders=tuple(
                str(Path(path).expanduser().absolute())
                for path in env.get("FARM_BLENDER", "").split(os.pathsep)
                if path
            ),
            hour_dollars=_number(env, "FARM_LOCAL_HOUR_DOLLARS", 0, least=0),
            blender_sessions=_sessions(env),
        )

    def to_env(self) -> dict[str, str]:
        return {
            "FARM_STATE_DIR": str(self.state_dir),
            "FARM_LOCAL_AGENTS": str(self.max_agents),
            "FARM_LOCAL_MINUTE_SECONDS": str(self.minute_seconds),
            "FARM_BLENDER": os.pathsep.join(self.blenders),
            "FARM_LOCAL_HOUR_DOLLARS": str(self.hour_dollars),
            "FARM_LOCAL_SESSIONS": str(self.blender_sessions or _AUTO),
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


def _sessions(env: Mapping[str, str]) -> int | None:
    """A number, or auto; 1 unless asked, for the agents are many already."""
    if env.get("FARM_LOCAL_SESSIONS", "").strip() == _AUTO:
        return None
    return int(_number(env, "FARM_LOCAL_SESSIONS", 1))


def _number(env: Mapping[str, str], name: str, default: float, *, least: float | None = None) -> float:
    """From `least` to 1000; without it a whole number from 1."""
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(int(text) if least is None else float(text))
    except ValueError:
        number = -1
    if not (1 if least is None else least) <= number <= 1000:
        kind = "whole number from 1" if least is None else f"number from {least:g}"
        raise LocalSettingsError(f"{name} is {text[:80]!r}: expected a {kind} to 1000")
    return number
