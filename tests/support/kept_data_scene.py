"""Whether the session keeps data between frames: asked in a Blender, since no picture tells."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import Mock

from contract.devices import Device
from tests.support.scenes import base_scene


def main(output: str, volume: str) -> None:
    """Run in a Blender. The scene has the wrong setting at first: data are kept if there is a volume."""
    import bpy

    from worker_agent.blender.inside import rendering
    from worker_agent.blender.inside.device_choice import Choice

    scene = base_scene()
    has_volume = volume == "volume"
    scene.render.use_persistent_data = has_volume
    if has_volume:
        scene.collection.objects.link(bpy.data.objects.new("Smoke", bpy.data.volumes.new("Smoke")))
    rendering.render(scene, Choice(Device.CPU), [1], Path(output), Mock())
    (Path(output) / "kept").write_text(str(scene.render.use_persistent_data))
    sys.stdout.flush()
    os._exit(0)
