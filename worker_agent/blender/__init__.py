"""The Blender part of the worker: one child process that opens a scene once and renders frames.

The parent side (this package) uses the standard library and blender-asset-tracer; the folder
`inside` runs within Blender and is never imported from here.
"""

from worker_agent.blender.errors import (
    BlenderDied,
    BlenderError,
    BlenderFailed,
    BlenderKilled,
    BlenderTimedOut,
    DeviceUnavailable,
    SceneRejected,
)
from worker_agent.blender.process import BlenderSession
from worker_agent.blender.report import (
    BakeProgress,
    ColorView,
    Expectations,
    FrameOutputs,
    MainPicture,
    MissingFile,
    NodeFile,
    RenderDevice,
    RenderedFrame,
    SceneInFile,
    SceneReport,
    Simulation,
)
from worker_agent.blender.runtime import Runtime

__all__ = [
    "BakeProgress",
    "BlenderDied",
    "BlenderError",
    "BlenderFailed",
    "BlenderKilled",
    "BlenderSession",
    "BlenderTimedOut",
    "ColorView",
    "DeviceUnavailable",
    "Expectations",
    "FrameOutputs",
    "MainPicture",
    "MissingFile",
    "NodeFile",
    "RenderDevice",
    "RenderedFrame",
    "Runtime",
    "SceneInFile",
    "SceneRejected",
    "SceneReport",
    "Simulation",
]
