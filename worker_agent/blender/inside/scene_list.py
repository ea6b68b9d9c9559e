"""Every scene of the file."""

from typing import Any

import bpy

MAX_LISTED = 200


def scenes(file_engines: "dict[str, str]") -> "list[dict[str, Any]]":
    """As they were saved, but for the job's options in the one that is rendered.

    `file_engines`: the engines that the file names, whatever is installed.
    """
    return [
        {
            "name": scene.name,
            "frame_start": scene.frame_start,
            "frame_end": scene.frame_end,
            "frame_step": scene.frame_step,
            "engine": file_engines.get(scene.name, scene.render.engine),
            "file_format": scene.render.image_settings.file_format,
            "camera": scene.camera.name if scene.camera is not None else None,
        }
        for scene in bpy.data.scenes[:MAX_LISTED]
    ]
