"""What a session reports: the scene as inspected, the progress of a bake, a rendered frame."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from contract.devices import Device


@dataclass(frozen=True)
class Simulation:
    """One simulation that depends on the frames before. `ready`: baked, and its result is there."""

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
class MainPicture:
    """The picture that a frame is rendered for.

    Its files are `<frame><suffix><extension>` for each of `suffixes` (more than one: views; none: it
    is not certain that there is any). `color_depth` are bits, `width` and `height` pixels of a file;
    0 where they are not certain.
    """

    suffixes: tuple[str, ...]
    extension: str
    file_format: str
    color_depth: int
    multilayer: bool
    width: int
    height: int


@dataclass(frozen=True)
class NodeFile:
    """What one slot of a File Output node certainly writes: `count` files (more than one: views).

    Their paths begin with `folder/stem`, where a run of `#` stands for the frame's number, which
    comes last when there is none.
    """

    node: str
    folder: str
    stem: str
    count: int


@dataclass(frozen=True)
class FrameOutputs:
    """The files that every frame of the scene writes, as far as that is certain: there may be more."""

    main: MainPicture
    node_files: tuple[NodeFile, ...]


@dataclass(frozen=True)
class ColorView:
    """How the scene shows its colours, in the names of its Blender's colour configuration.

    `stored_in` is the colour space of the main picture's pixels, or empty when they are saved as they are
    shown. `exposure` in stops. `curves` and `white_balance`: whether the scene has these on top.
    """

    stored_in: str
    display: str
    view: str
    look: str
    exposure: float
    gamma: float
    curves: bool
    white_balance: bool


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
    frame_outputs: FrameOutputs
    color_view: ColorView
    notes: tuple[str, ...]

    def needs_bake(self, last_frame: int) -> bool:
        """Whether any simulation that is not ready has begun by that frame."""
        return any(not item.ready and item.first_frame <= last_frame for item in self.simulations)

    def to_json(self) -> dict[str, Any]:
        """Plain values for json.dumps."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SceneReport":
        """The opposite of `to_json`; unknown fields are ignored.

        A KeyError for a missing one, a TypeError for a value of another kind: it comes from a
        process that has read a stranger's file.
        """
        report = _read(cls, data)
        assert isinstance(report, cls)
        return report


def _read(kind: Any, value: Any) -> Any:
    """`value` as a `kind`: a plain type, a tuple of them, or one of the dataclasses here."""
    if get_origin(kind) is tuple:
        return tuple(_read(get_args(kind)[0], item) for item in value)
    if isinstance(kind, type) and is_dataclass(kind):
        kinds = get_type_hints(kind)
        return kind(**{name: _read(kinds[name], value[name]) for name in kinds})
    if not isinstance(value, int | float if kind is float else kind):
        raise TypeError(f"expected {kind}, not {str(value)[:80]!r}")
    return value


@dataclass(frozen=True)
class RenderDevice:
    """What renders the scene that is open.

    `name` is what the device calls itself, where it matters; `note` says how this differs from what the
    scene was saved with, for the job's record.
    """

    kind: Device = Device.CPU
    name: str = ""
    note: str = ""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RenderDevice":
        """A KeyError for a missing field, a ValueError for a device that is none."""
        return cls(Device(data["kind"]), str(data["name"])[:200], str(data["note"])[:500])

    @property
    def words(self) -> str:
        """As a frame's record has it: "CPU", "OPTIX (NVIDIA A10G)"."""
        return f"{self.kind} ({self.name})" if self.name else str(self.kind)


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
