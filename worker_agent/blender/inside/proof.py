"""Proving a bake: a fresh Blender must show, when it renders, what was seen while the bake was made.

`is_baked` says yes to caches that nothing was written to, that belong to a file of another name, or
that no longer fit their mesh. So the render's own evaluation is asked, through a render engine that
takes fingerprints in the place of pictures.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import bpy

from . import fingerprints, rendered_parts
from .rendering import settings_of_run
from .simulations import Simulation
from .wire import Failure

_ENGINE = "FARM_FINGERPRINTS"

Expectation = dict[str, Any]
"""Of one simulation: kind, object, and for each sampled frame the fingerprints of its targets."""


class Recorder:
    """Takes the fingerprints of simulations in their first, middle and last frame."""

    def __init__(self, items: "Iterable[Simulation]", last_frame: int) -> None:
        self._items: list[tuple[Simulation, list[Any], set[int], Expectation]] = []
        for item in items:
            first, last = item.first_frame, min(item.last_frame, last_frame)
            targets = fingerprints.targets(item)
            names = [_name(target) for target in targets]
            expectation = {"kind": item.kind, "object": item.name, "targets": names, "frames": {}}
            self._items.append((item, targets, {first, (first + last) // 2, last}, expectation))

    def take(self, frame: int, scene: Any) -> None:
        """Records what is due in a frame that has just been evaluated."""
        for item, targets, frames, expectation in self._items:
            if frame in frames and item.scene == scene:
                graph = item.layer.depsgraph
                prints = [fingerprints.of_object(target, graph) for target in targets]
                expectation["frames"][str(frame)] = prints

    @property
    def frames(self) -> "list[int]":
        return sorted({frame for _, _, frames, _ in self._items for frame in frames})

    @property
    def expectations(self) -> "list[Expectation]":
        return [expectation for *_, expectation in self._items]


def prove(scene: Any, expectations: "Sequence[Expectation]", output: str) -> None:
    """Jumps through the sampled frames, the last first. Raises Failure that names what differs."""
    frames = sorted({int(frame) for item in expectations for frame in item["frames"]}, reverse=True)
    comparison = _Comparison(expectations)
    with _engine(comparison):
        for part in rendered_parts.scenes(scene):
            for frame in frames:
                _evaluate_as_render(part, frame, output)
    comparison.refuse_unless_done(frames)
    if comparison.differing:
        listed = "; ".join(dict.fromkeys(comparison.differing))
        raise Failure(
            "unproved",
            "The bake could not be proved: a fresh Blender does not show what was seen while it was baked: "
            f"{listed}. Bake it in Blender and upload its cache with it, or apply what stands before it.",
        )


class _Comparison:
    """Compares an evaluation with what is expected of it."""

    def __init__(self, expectations: "Sequence[Expectation]") -> None:
        self._expectations = expectations
        self._seen: set[int] = set()
        self._error: Exception | None = None
        self.differing: list[str] = []

    def look(self, depsgraph: Any) -> None:
        """Called by Blender, which would print an error and go on."""
        try:
            self._compare(depsgraph)
            self._seen.add(depsgraph.scene.frame_current)
        except Exception as error:
            self._error = error

    def refuse_unless_done(self, frames: "Iterable[int]") -> None:
        """Raises what went wrong: a comparison that was not made proves nothing."""
        if self._error is not None:
            raise self._error
        if set(frames) - self._seen:
            raise Failure("internal_error", f"Frames {sorted(set(frames) - self._seen)} were not compared.")

    def _compare(self, depsgraph: Any) -> None:
        frame = str(depsgraph.scene.frame_current)
        there = {_name(item): item for item in rendered_parts.originals(depsgraph)}
        for item in self._expectations:
            pairs = zip(item["targets"], item["frames"].get(frame, ()), strict=False)
            for name, expected in pairs:
                target = there.get(tuple(name))  # what a render does not evaluate is not seen in it
                if target is not None and not fingerprints.agree(
                    expected, fingerprints.of_object(target, depsgraph)
                ):
                    where = "" if name[0] == item["object"] else f' on "{name[0]}"'
                    self.differing.append(f'{item["kind"]} of "{item["object"]}"{where} at frame {frame}')


@contextmanager
def _engine(comparison: _Comparison) -> "Iterator[None]":
    """A render engine that looks where others draw."""

    def render(_: Any, depsgraph: Any) -> None:
        comparison.look(depsgraph)

    members = {"bl_idname": _ENGINE, "bl_label": "Fingerprints", "render": render}
    engine = type("FingerprintEngine", (bpy.types.RenderEngine,), members)
    bpy.utils.register_class(engine)
    try:
        yield
    finally:
        bpy.utils.unregister_class(engine)


def _evaluate_as_render(scene: Any, frame: int, output: str) -> None:
    render = scene.render
    saved = render.engine, render.use_compositing, render.use_sequencer, render.filepath
    render.engine, render.use_compositing, render.use_sequencer = _ENGINE, False, False
    render.filepath = f"{output}/####"
    try:
        with settings_of_run(scene, range(frame, frame + 1)):
            bpy.ops.render.render(animation=True, scene=scene.name)
    finally:
        render.engine, render.use_compositing, render.use_sequencer, render.filepath = saved


def _name(item: Any) -> "tuple[str, str]":
    """An object's name, which is its own only within its library."""
    return item.name, item.library.filepath if item.library else ""
