"""The process that decodes pictures: `python -m worker_agent.output_check.decoder`.

The files are a stranger's, so they are decoded here, where a crash, a hang or a bomb costs nobody
anything. One JSON request and answer per line on standard input and output.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY_LIMIT_BYTES = 6 << 30
"""Of address space: a 16K picture of Pillow's needs 1 GB, a JPEG 2000 of that size 5."""
NICENESS = 5
"""Blender goes first: it renders the next frames meanwhile. While it waits, the whole processor is here."""


def main() -> None:
    """Serves until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    answers = os.dup(1)
    import OpenImageIO

    from worker_agent.output_check import decoding  # what it imports is told on stderr when it fails

    OpenImageIO.attribute("threads", 1)  # Blender renders the next frame meanwhile
    nothing = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):  # libraries print there, at a stranger's will
        os.dup2(nothing, number)
    _send(answers, {"event": "ready"})
    for line in sys.stdin:
        _send(answers, {"event": "checked", **_answer(json.loads(line), decoding)})


def _answer(request: dict[str, Any], decoding: Any) -> dict[str, Any]:
    from worker_agent.output_check import formats
    from worker_agent.output_check.findings import Wanted
    from worker_agent.output_check.frame_picture import FramePicture

    wanted = Wanted(**request["wanted"])

    def accept(parts: Any) -> bool:
        too_many = any(part.width * part.height > decoding.MOST_PIXELS for part in parts)
        return not too_many and wanted.problem(parts) is None

    watcher = FramePicture(request["shown"]) if "shown" in request else None
    path = Path(request["path"])
    try:
        parts = decoding.read(path, formats.by_name(request["format"]), accept, watcher)
    except decoding.DamagedError as error:
        return {"damaged": str(error)}
    except MemoryError:
        return {"damaged": f"it needs more than {MEMORY_LIMIT_BYTES >> 30} GB of memory to be opened"}
    return {
        "parts": [{name: getattr(part, name) for name in part.__slots__} for part in parts],
        "too_large": any(part.width * part.height > decoding.MOST_PIXELS for part in parts),
        **({"pictures": watcher.answer()} if watcher else {}),
    }


def _send(answers: int, answer: dict[str, Any]) -> None:
    data = memoryview(json.dumps(answer).encode() + b"\n")
    while data:
        data = data[os.write(answers, data) :]


if __name__ == "__main__":
    main()
