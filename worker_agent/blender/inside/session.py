"""Entry of the child: `blender … --python session.py -- R W` or `python session.py R W`.

R is the descriptor that commands come from, W the one that events go to.
"""

import importlib.util
import os
import sys
import traceback
from pathlib import Path

PACKAGE = "farm_session"


def load_siblings() -> None:
    """Makes this folder importable under a name of its own, without touching sys.path.

    A folder on sys.path could be shadowed by, or could shadow, modules of Blender's add-ons.
    """
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, here / "__init__.py", submodule_search_locations=[str(here)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {here}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


def main() -> None:
    """Runs the command loop and ends the process without Blender's own exit.

    Blender 4.5 hangs for ever at exit after a driver that wants Python, 4.2 crashes.
    """
    code = 1
    try:
        commands_fd, events_fd = int(sys.argv[-2]), int(sys.argv[-1])
        for fd in (commands_fd, events_fd):
            os.set_inheritable(fd, False)  # what Blender starts must not keep the pipes open
        load_siblings()
        loop = importlib.import_module(f"{PACKAGE}.loop")
        code = loop.run(commands_fd, events_fd)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
