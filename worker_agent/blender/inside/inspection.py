"""The report on the scene that is about to be rendered."""

from typing import Any

from . import cameras, color_view, frame_outputs, outputs, render_state, scene_list, simulations
from .missing_files.finder import Finder
from .missing_files.search import find
from .opening import Opened
from .wire import Failure

_MAX_NAMED = 5


def inspect(
    opened: Opened,
    *,
    file_engines: "dict[str, str]",
    asked_frames: "dict[str, Any] | None",
    for_bake: bool,
) -> "dict[str, Any]":
    """Everything the farm has to know. Raises Failure for a scene that cannot be rendered.

    Simulations are looked for only when there may be a bake: it shows in the viewport what is rendered.
    `asked_frames`: see missing_files.search; None when files are not to be looked for.
    """
    scene, notes = opened.scene, opened.notes
    scenes = scene_list.scenes(file_engines)
    missing = find(scene, asked_frames)
    camera = _camera(scene, missing)
    outputs.replace_video_container(scene, notes)
    found: list[simulations.Simulation] = []
    if changes_the_scene(for_bake=for_bake):
        render_state.match_viewport_to_render()
        found = simulations.find_all(scene)
    notes += _oceans(scene)
    notes += missing.notes
    render = scene.render
    return {
        "scene": scene.name,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "fps": render.fps / render.fps_base,
        "engine": render.engine,
        "file_format": render.image_settings.file_format,
        "extension": render.file_extension,
        # whole pixels, rounded down, as Blender does
        "width": render.resolution_x * render.resolution_percentage // 100,
        "height": render.resolution_y * render.resolution_percentage // 100,
        "camera": camera,
        "simulations": [
            {
                "kind": item.kind,
                "object": item.name,
                "ready": item.ready,
                "first_frame": item.first_frame,
                "last_frame": item.last_frame,
            }
            for item in found
        ],
        "scenes": scenes,
        "missing_files": missing.listed,
        "missing_file_count": missing.count,
        "frame_outputs": frame_outputs.describe(scene),
        "color_view": color_view.describe(scene),
        "notes": notes,
    }


def changes_the_scene(*, for_bake: bool) -> bool:
    """Whether `inspect` leaves the open scene another than it was loaded: then it is not to be rendered."""
    return for_bake and simulations.are_possible()


def _camera(scene: Any, missing: Finder) -> "str | None":
    """Its name. What is missing is told with a missing camera: it may be what has the camera."""
    try:
        return cameras.require_camera(scene)
    except Failure as failure:
        if not missing.count:
            raise
        paths = ", ".join(entry["path"] for entry in missing.listed[:_MAX_NAMED])
        more = f" and {missing.count - _MAX_NAMED} more" * (missing.count > _MAX_NAMED)
        reason = f"{failure.reason} Besides, files that it needs are missing: {paths}{more}."
        raise Failure(failure.code, reason) from failure


def _oceans(scene: Any) -> "list[str]":
    """Ocean foam fades over time only in a bake, and a bake made here would not be complete."""
    return [
        f'The ocean of "{item.name}" has foam but no cache: the foam will not fade.'
        for item in scene.objects
        for modifier in item.modifiers
        if modifier.type == "OCEAN" and modifier.use_foam and not modifier.is_cached
    ]
