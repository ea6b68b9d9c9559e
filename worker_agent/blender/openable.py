"""Whether a .blend may be given to a Blender at all, told from the file alone."""

from pathlib import Path

from worker_agent.blender.errors import SceneRejected
from worker_agent.blender.file_facts import FileFacts, read_facts
from worker_agent.blender.file_header import BlenderVersion


def facts_of_openable(blend: Path, saved_by: BlenderVersion, series: BlenderVersion) -> FileFacts:
    """What the file says of itself, when a Blender of this series can open it. Raises SceneRejected."""
    if saved_by > series:
        raise SceneRejected(
            f"{blend.name} was saved by Blender {saved_by}, which is newer than the "
            f"Blender {series} of this farm. Save it with {series} or older.",
            "file_too_new",
        )
    facts = read_facts(blend)
    if facts.rigid_worlds_on_disk:
        raise SceneRejected(
            f'The rigid-body world of the scene "{facts.rigid_worlds_on_disk[0]}" keeps its '
            "cache on disk, which crashes Blender. Turn Disk Cache off in its cache settings.",
            "unsupported_simulation",
        )
    return facts
