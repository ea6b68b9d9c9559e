"""What has to be known of a .blend before Blender opens it, read from its own structures.

An engine that is not installed becomes EEVEE without a word, and a rigid-body world with its
cache on disk crashes Blender, at times while it is still loading.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_DISK_CACHE = 1 << 6  # PTCACHE_DISK_CACHE in Blender's DNA


@dataclass(frozen=True)
class FileFacts:
    """`engines`: scene name → engine id. `rigid_worlds_on_disk`: names of scenes."""

    engines: dict[str, str] = field(default_factory=dict)
    rigid_worlds_on_disk: tuple[str, ...] = ()


def read_facts(path: Path) -> FileFacts:
    """The facts as far as they can be told; none for a file that cannot be understood.

    Then Blender's own idea has to do: it tells better what is wrong with the file.
    """
    from blender_asset_tracer import blendfile

    # Made apart from __init__, so that a file which turns out damaged is closed, too.
    blend: Any = blendfile.BlendFile.__new__(blendfile.BlendFile)
    blend.fileobj, blend._is_modified = None, False
    try:
        blend.__init__(path)
        scenes = blend.find_blocks_from_code(b"SC")
        return FileFacts(
            engines={_name(scene): scene.get((b"r", b"engine"), as_str=True) for scene in scenes},
            rigid_worlds_on_disk=tuple(_name(s) for s in scenes if _rigid_world_on_disk(s)),
        )
    except Exception:
        return FileFacts()
    finally:
        blend.close()


def _name(scene: Any) -> str:
    return str(scene.get((b"id", b"name"), as_str=True)[2:])  # without the type code "SC"


def _rigid_world_on_disk(scene: Any) -> bool:
    world = scene.get_pointer(b"rigidbody_world", None)
    if world is None:
        return False
    owner = world.get_pointer(b"shared", None) or world  # in the world itself before 2.81
    cache = owner.get_pointer(b"pointcache", None)
    return cache is not None and bool(cache.get(b"flag") & _DISK_CACHE)
