"""Bakes the physics of a project and proves it, each in a Blender of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contract.options import JobOptions
from contract.runtimes import RuntimeSpec
from worker_agent.blender import BakeProgress, BlenderSession
from worker_agent.seats.scene_sessions import OPEN_SECONDS, SceneSessions

BAKE_SECONDS_LIMIT: Final = 11 * 3600
"""One receive of an SQS message cannot be held for longer than 12 hours."""
PROOF_SECONDS: Final = 1_800


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneBake:
    """What to bake, with which Blender (of this build) and device."""

    folder: Path
    """Of the project."""
    blend: Path
    options: JobOptions
    spec: RuntimeSpec
    build: str
    device: str

    def run(
        self,
        sessions: SceneSessions,
        last_frame: int,
        *,
        on_progress: Callable[[BakeProgress], None],
        take_log: Callable[[str], None],
    ) -> None:
        """Bake up to a frame; then a Blender that knows nothing of that must show the same.

        Raises BlenderError, SceneRejected among them, for what cannot be baked or is not shown.
        """
        limit = self.options.bake_timeout_seconds or BAKE_SECONDS_LIMIT
        with sessions.fresh(self.spec, self.build, project=self.folder, changes_it=True) as session:
            self._open(sessions, session, for_bake=True)
            expectations = session.bake(last_frame, self.folder, on_progress, timeout_seconds=limit)
            take_log(session.log_tail())
        with sessions.fresh(self.spec, self.build, project=self.folder, changes_it=False) as session:
            self._open(sessions, session, for_bake=False)
            session.prove(expectations, timeout_seconds=PROOF_SECONDS)

    def _open(self, sessions: SceneSessions, session: BlenderSession, *, for_bake: bool) -> None:
        session.open(
            self.blend,
            self.options.for_blender(),
            timeout_seconds=OPEN_SECONDS,
            for_bake=for_bake,
            bound_device=self.device,
            scripts=sessions.scripts_run(self.options),
        )
