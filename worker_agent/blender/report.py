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
class SceneInFile:
    """One of the file's scenes; `engine` as the file names it, also when it is not installed."""

    name: str
    frame_start: int
    frame_end: int
    frame_step: int
    engine: str
    file_format: str
    camera: str | None


@dataclass(frozen=True)
class MissingFile:
    """A file that the scene needs and that is not there.

    `kind` in words ("image sequence"), `name` of the data-block, `path` as the .blend has it,
    `detail` is empty or says which of several files.
    """

    kind: str
    name: str
    path: str
    detail: str


@dataclass(frozen=True)
class SceneReport:
    """The scene that will be rendered, after the options have been applied.

    `width` and `height` are the size of a whole picture in pixels (percentage included, crop
    not). `missing_files` are the first few hundred of `missing_file_count`. `notes` are remarks for
    the job record, none of them a failure.
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
    scenes: tuple[SceneInFile, ...]
    missing_files: tuple[MissingFile, ...]
    missing_file_count: int
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
        for name, kind in _PARTS.items():
            known = [field.name for field in fields(kind)]
            values[name] = tuple(kind(**{key: item[key] for key in known}) for item in data[name])
        values["notes"] = tuple(data["notes"])
        return cls(**values)


_PARTS: dict[str, type[Any]] = {
    "simulations": Simulation,
    "scenes": SceneInFile,
    "missing_files": MissingFile,
}


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
