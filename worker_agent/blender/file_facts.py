"""What has to be known of a .blend before Blender opens it, read from its own structures.

An engine that is not installed becomes EEVEE without a word, a rigid-body world with its cache on
disk crashes Blender, at times while it is still loading, and a fluid domain aborts every wheel.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worker_agent.blender.file_header import open_regular

_DISK_CACHE = 1 << 6  # PTCACHE_DISK_CACHE in Blender's DNA
_DOMAIN_MODIFIERS = {
    "FluidModifierData": ((b"type",), 1),  # MOD_FLUID_TYPE_DOMAIN
    # Before 2.82; Blender makes fluid domains of them when it opens the file.
    "SmokeModifierData": ((b"type",), 1),  # MOD_SMOKE_TYPE_DOMAIN
    "FluidsimModifierData": ((b"fss", b"type"), 2),  # OB_FLUIDSIM_DOMAIN
}
"""Modifier → the way to the kind of fluid object that it makes, and the kind that is a domain."""
_MAX_MODIFIERS = 10_000  # of one object: a damaged file may have its list go round in a circle


@dataclass(frozen=True)
class FileFacts:
    """`engines`: scene name → engine id. `rigid_worlds_on_disk`: names of scenes.

    `fluid_domains`: names of objects of this file, not of those that it links to.
    """

    engines: dict[str, str] = field(default_factory=dict)
    rigid_worlds_on_disk: tuple[str, ...] = ()
    fluid_domains: tuple[str, ...] = ()


def read_facts(path: Path) -> FileFacts:
    """The facts as far as they can be told; none for a file that cannot be understood.

    Then Blender's own idea has to do: it tells better what is wrong with the file.
    """
    from blender_asset_tracer import blendfile

    # Made apart from __init__, so that a file which turns out damaged is closed, too.
    blend: Any = blendfile.BlendFile.__new__(blendfile.BlendFile)
    blend.fileobj, blend._is_modified = None, False
    try:
        with open_regular(path) as file:  # by its descriptor: what has its name may change
            blend.__init__(Path(f"/dev/fd/{file.fileno()}"))
        scenes = blend.find_blocks_from_code(b"SC")
        objects = blend.find_blocks_from_code(b"OB")
        return FileFacts(
            engines={_name(scene): scene.get((b"r", b"engine"), as_str=True) for scene in scenes},
            rigid_worlds_on_disk=tuple(_name(s) for s in scenes if _rigid_world_on_disk(s)),
            fluid_domains=tuple(_name(o) for o in objects if any(map(_is_domain, _modifiers(o)))),
        )
    except Exception:
        return FileFacts()
    finally:
        blend.close()


def _name(block: Any) -> str:
    return str(block.get((b"id", b"name"), as_str=True)[2:])  # without the type code, "SC" or "OB"


def _rigid_world_on_disk(scene: Any) -> bool:
    world = scene.get_pointer(b"rigidbody_world", None)
    if world is None:
        return False
    owner = world.get_pointer(b"shared", None) or world  # in the world itself before 2.81
    cache = owner.get_pointer(b"pointcache", None)
    return cache is not None and bool(cache.get(b"flag") & _DISK_CACHE)


def _modifiers(item: Any) -> Iterator[Any]:
    modifier = item.get_pointer((b"modifiers", b"first"), None)
    for _ in range(_MAX_MODIFIERS):
        if modifier is None:
            return
        yield modifier
        modifier = modifier.get_pointer((b"modifier", b"next"), None)


def _is_domain(modifier: Any) -> bool:
    if modifier.dna_type_name not in _DOMAIN_MODIFIERS:
        return False
    (*way, last), domain = _DOMAIN_MODIFIERS[modifier.dna_type_name]
    for step in way:
        modifier = modifier.get_pointer(step, None)
        if modifier is None:
            return False
    return bool(modifier.get(last) == domain)
