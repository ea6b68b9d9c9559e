"""Running a function of the tests inside a Blender of its own: importing bpy is slow, and it may crash."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_in_blender(module: str, *arguments: str, blender: str = sys.executable) -> None:
    """Calls `main(*arguments)` of a module of the tests in a Python with bpy or in an executable."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {module} import main; main(*{arguments!r})"
    )
    if Path(blender).name.startswith("python"):
        command = [blender, "-c", program]
    else:
        flags = ("--background", "--factory-startup", "--python-exit-code", "3")
        command = [blender, *flags, "--python-expr", program]
    with tempfile.TemporaryDirectory() as temporary:  # what Blender leaves there when it ends early
        env = {**os.environ, "TMPDIR": temporary}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, f"{arguments}: {done.returncode} {(done.stdout + done.stderr)[-1500:]}"
