"""Runs inside a Blender, with a folder as its argument: compiles the files there that it has loaded by now.

That is what each start loads, a fraction of what Blender comes with. It takes as long as two starts.
"""

import os
import py_compile
import sys
from pathlib import Path

import bpy  # in a Python it is this that starts Blender


def compile_loaded(folder: Path) -> int:
    """How many files were compiled. Raises OSError when there is no room for one."""
    origins = {
        getattr(getattr(module, "__spec__", None), "origin", None) for module in list(sys.modules.values())
    }
    found = [
        origin
        for origin in origins
        if origin and origin.endswith(".py") and Path(origin).resolve().is_relative_to(folder.resolve())
    ]
    for origin in found:
        py_compile.compile(origin, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    return len(found)


if __name__ == "__main__":
    count = compile_loaded(Path(sys.argv[-1]))
    print(f"{count} files of Blender {bpy.app.version_string} compiled in {sys.argv[-1]}", flush=True)
    os._exit(0 if count else 1)  # Blender's own exit is slow, and has been seen to hang
