"""Which code a farm was deployed from: a hash that stands in the outputs of each stack.

In each and not in one, for a deploy may fail half way. It changes with what is deployed and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from stacks.config import FarmConfig

OUTPUT: Final = "FarmVersion"
_ROOT: Final = Path(__file__).resolve().parents[1]
_DEPLOYED: Final = ("app.py", "requirements.txt", "stacks", "functions", "contract", "worker_agent")
_MAKES_A_MACHINE: Final = ("stacks/compute.py", "stacks/worker_boot.py", "worker_agent/boot")
_OF_A_MACHINE: Final = (
    "blender_node_image_id",
    "node_image_prepared",
    "blender_versions",
    "cloudwatch_namespace",
    "worker_idle_seconds",
    "blender_sessions",
    "worker_hour_dollars",
    "node_key_name",
)
"""Variables that its launch template has in it."""
_LETTERS: Final = 12


def farm_version(root: Path = _ROOT) -> str:
    """Of a checkout. The variables are not in it: `-c` at a deploy leaves no trace here."""
    return code_hash(root, _DEPLOYED)[:_LETTERS]


def deploy_version(config: FarmConfig) -> str:
    """Changes with the code and with the variables: a deploy that may have mended what kept machines from
    booting has another."""
    return _short(farm_version(), repr(config))


def worker_version(agent_hash: str, config: FarmConfig) -> str:
    """Changes with what a machine is made of, so that running ones learn that they are of yesterday.

    Not with what AWS's newest image is: that is known to CloudFormation alone.
    """
    settings = [repr(getattr(config, name)) for name in _OF_A_MACHINE]
    return _short(agent_hash, code_hash(_ROOT, _MAKES_A_MACHINE), str(config.gpu), *settings)


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_LETTERS]


def code_hash(root: Path, names: Iterable[str]) -> str:
    """SHA-256 of these files and folders: of their names and contents."""
    digest = hashlib.sha256()
    for path in _files(root, names):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        path = root / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (p for p in found if p.is_file() and not _left_out(p.relative_to(root)))


def _left_out(path: Path) -> bool:
    """What Python and editors leave behind: no asset has it either."""
    return path.suffix == ".pyc" or any(part == "__pycache__" or part.startswith(".") for part in path.parts)
