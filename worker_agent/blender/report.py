"""What a session reports: the scene as inspected, the progress of a bake, a rendered frame."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Simulation:
    """One simulation that depends on the frames before. `ready`: baked, not outdated, present."""

    kind: str
    object: str
    ready: bool
    first_frame: int
    last_frame: int


@dataclass(frozen=True)
class SceneReport:
    """The scene that will be rendered, after the options have been applied.

    `width` and `height` are the size of a whole picture in pixels (percentage included, crop
    not). `notes` are remarks for the job record, none of them a failure.
    """

    runtime_version: str
    file_version: str
    scene: str
    frame_start: int
    frame_end: int
    frame_step: int
    fps: float
    engine: str
    file_format: str
    extension: str
    width: int
    height: int
    camera: str | None
    simulations: tuple[Simulation, ...]
    notes: tuple[str, ...]

    def needs_bake(self, last_frame: int) -> bool:
        """Whether any simulation that is not ready has begun by that frame."""
        return any(not item.ready and item.first_frame <= last_frame for item in self.simulations)

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SceneReport":
        """The opposite of `to_json`; unknown fields are ignored, a missing one is a KeyError."""
        values = {field.name: data[field.name] for field in fields(cls)}
        values["simulations"] = tuple(
            Simulation(**{field.name: item[field.name] for field in fields(Simulation)})
            for item in data["simulations"]
        )
        values["notes"] = tuple(data["notes"])
        return cls(**values)


@dataclass(frozen=True)
class BakeProgress:
    """One step of a bake: `frame` of `last_frame` of the simulation of this kind and object."""

    kind: str
    object: str
    frame: int
    last_frame: int


class Expectations(list[Any]):
    """What a bake looked like while it was made, as the child wrote it: only another child reads it."""


@dataclass(frozen=True)
class RenderedFrame:
    """One finished frame.

    `files` are paths relative to the output folder, with `/`, the main picture first; `log` is
    what Blender printed for this frame, cut in the middle when long.
    """

    frame: int
    seconds: float
    files: tuple[str, ...]
    log: str
