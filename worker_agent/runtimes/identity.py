"""Whether a Blender that was started is the one that was meant."""

from __future__ import annotations

from contract.runtimes import RuntimeSpec
from worker_agent.runtimes.errors import RuntimeUnavailableError


def check_identity(spec: RuntimeSpec, wanted_build: str | None, *, version: str, build: str) -> None:
    """`version` and `build` are what it calls itself. Raises RuntimeUnavailableError."""
    if version != spec.version:
        raise RuntimeUnavailableError(f"what this worker was told is Blender {spec} calls itself {version}")
    if wanted_build is not None and build != wanted_build:
        raise RuntimeUnavailableError(
            f"the job is bound to the build {wanted_build} of Blender {spec}, and this worker has "
            f"{build}: its frames would not match the others"
        )
