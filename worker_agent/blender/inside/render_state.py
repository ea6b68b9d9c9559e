"""Making the viewport's state the render's: bakes evaluate what the viewport shows.

Something off in the viewport and on in the render bakes to nothing (and says it is baked); a
subdivision that differs before a cloth gives a cache with the wrong number of points.
"""

from typing import Any

import bpy


def match_viewport_to_render() -> None:
    """Changes the file in memory; of linked data nothing of it is ever saved."""
    for item in bpy.data.objects:
        # only ever show more: what renders hide may still be a collider or a force field
        item.hide_viewport = item.hide_viewport and item.hide_render
        for modifier in item.modifiers:
            _match_modifier(modifier)
    for collection in bpy.data.collections:
        collection.hide_viewport = collection.hide_viewport and collection.hide_render
    for settings in bpy.data.particles:
        settings.display_percentage = 100
        settings.display_step = settings.render_step
    for curve in bpy.data.curves:
        if curve.render_resolution_u:
            curve.resolution_u = curve.render_resolution_u
    for scene in bpy.data.scenes:
        _match_simplify(scene.render)
        for layer in scene.view_layers:
            _unhide(layer)


def _match_modifier(modifier: Any) -> None:
    shown = modifier.show_render or (modifier.type == "COLLISION" and modifier.show_viewport)
    if modifier.show_viewport != shown:
        modifier.show_viewport = shown
    if hasattr(modifier, "render_levels") and hasattr(modifier, "levels"):
        modifier.levels = modifier.render_levels
    if modifier.type == "OCEAN":
        modifier.viewport_resolution = modifier.resolution


def _match_simplify(render: Any) -> None:
    """Simplify has one set of limits for the viewport and one for the render."""
    render.simplify_subdivision = render.simplify_subdivision_render
    render.simplify_child_particles = render.simplify_child_particles_render


def _unhide(layer: Any) -> None:
    """The eye in the outliner hides from the viewport only, never from the render."""
    waiting = [layer.layer_collection]
    while waiting:
        part = waiting.pop()
        part.hide_viewport = False
        waiting += part.children
    for item in layer.objects:
        item.hide_set(False, view_layer=layer)
