"""Mantaflow: smoke, fire and liquids. Only the Blender executable can bake or render them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .point_caches import cache_folder
from .wire import Failure

_KIND = "fluid"


@dataclass(frozen=True)
class Fluid:
    """One domain, with its noise, mesh and particles."""

    kind: str
    name: str
    scene: Any
    layer: Any
    owner: Any
    domain: Any

    @property
    def first_frame(self) -> int:
        return int(self.domain.cache_frame_start)

    @property
    def last_frame(self) -> int:
        return int(self.domain.cache_frame_end)

    @property
    def ready(self) -> bool:
        """Baked in all its stages, with files (a replay cache keeps none that last)."""
        return self.domain.cache_type != "REPLAY" and all(
            baked and self._has_files(folder) for folder, baked in self._stages()
        )

    def has_frame(self, frame: int) -> bool:
        """Whether every stage wrote a file for a frame."""
        return all(self._has_files(folder, f"*_{frame:04d}.*") for folder, _ in self._stages())

    def _stages(self) -> "Iterator[tuple[str, bool]]":
        """(folder, whether Blender calls it baked) of each stage that this domain has."""
        domain = self.domain
        gas = domain.domain_type == "GAS"
        yield "data", domain.has_cache_baked_data
        if gas and domain.use_noise:
            yield "noise", domain.has_cache_baked_noise
        if not gas and domain.use_mesh:
            yield "mesh", domain.has_cache_baked_mesh
        if not gas and (
            domain.use_spray_particles or domain.use_foam_particles or domain.use_bubble_particles
        ):
            yield "particles", domain.has_cache_baked_particles

    def _has_files(self, folder: str, pattern: str = "*") -> bool:
        path = bpy.path.abspath(self.domain.cache_directory, library=self.owner.library)
        return any(Path(path, folder).glob(pattern))


def of_object(scene: Any, layer: Any, owner: Any) -> "Iterator[Fluid]":
    for modifier in owner.modifiers:
        if _is_domain(modifier) and modifier.show_render:
            yield Fluid(_KIND, owner.name, scene, layer, owner, modifier.domain_settings)


def refuse_in_a_module() -> None:
    """Raises Failure when Blender runs as a Python module and there is a domain anywhere in the file.

    The module aborts in the middle of a bake, and at the end of a render of black frames that it
    calls finished. Asked before anything is evaluated.
    """
    if bpy.app.binary_path:
        return
    domains = [item for item in bpy.data.objects if any(_is_domain(m) for m in item.modifiers)]
    if domains:
        listed = ", ".join(f'"{item.name}"' for item in domains[:10])
        raise Failure(
            "unloadable_simulation",
            f"{listed}: a fluid domain (Mantaflow: smoke, fire or liquid). Blender as a Python module, which "
            "this farm has, cannot simulate or render fluids; the Blender executable can. Give the farm one, "
            "or import the fluid's result as a volume sequence or an Alembic cache.",
        )


def problems(found: "Iterable[Any]") -> "Iterator[str]":
    """Fluids that other simulations would have to wait for, while they wait for these."""
    if not any(item.kind == _KIND and not item.ready for item in found):
        return
    for item in bpy.data.objects:
        if item.field is not None and item.field.type == "FLUID_FLOW":
            yield f'the force field "{item.name}" follows a fluid that is not baked; bake the fluid first'


def prepare(items: "Iterable[Fluid]", last_frame: int) -> None:
    """Empties the caches, and keeps them from being simulated while other simulations are."""
    for item in items:
        domain = item.domain
        if domain.has_cache_baked_any:
            with _focus(item):
                bpy.ops.fluid.free_all()
        folder = cache_folder(bpy.data.filepath).name
        domain.cache_type = "ALL"
        domain.cache_directory = f"//{folder}/fluid_{item.owner.name.encode().hex()}"
        domain.cache_frame_end = max(domain.cache_frame_start, min(domain.cache_frame_end, last_frame))


def bake(item: Fluid) -> None:
    """All stages in one pass. Raises Failure when Blender says why it could not."""
    try:
        with _focus(item):
            bpy.ops.fluid.bake_all()
    except RuntimeError as error:
        reason = f'The fluid of "{item.name}" could not be baked: {str(error).strip()}'
        raise Failure("bake_failed", reason) from error


def _is_domain(modifier: Any) -> bool:
    return bool(modifier.type == "FLUID" and modifier.fluid_type == "DOMAIN")


def _focus(item: Fluid) -> Any:
    """The operators work on the active object and its modifier."""
    return bpy.context.temp_override(
        scene=item.scene, view_layer=item.layer, object=item.owner, active_object=item.owner
    )
