"""Finding what does not work with scripts disabled, so that it is refused, not rendered wrong.

Blender evaluates a driver that needs Python to 0.0 and says so in its log only. Arithmetic,
math functions and conditionals need no scripts and pass.
"""

import ast
import builtins
import math
from collections.abc import Iterator
from typing import Any

import bpy

from .wire import Failure

_MAX_LISTED = 20
# What Blender lets a driver name while scripts are disabled, besides its variables.
_SAFE_NAMES = (set(dir(math)) | set(dir(builtins)) | {"frame", "clamp", "lerp", "smoothstep", "noise"}) - {
    "__import__",
    "eval",
    "exec",
    "compile",
    "open",
    "getattr",
    "setattr",
    "globals",
    "vars",
}


def refuse_those_that_are_needed(scene: Any) -> None:
    """Raises Failure with the list when the scene depends on Python that may not run."""
    _evaluate(scene)
    found = [*_drivers(), *_texts(), *_freestyle(scene)]
    if not found:
        return
    listed = "; ".join(found[:_MAX_LISTED])
    if len(found) > _MAX_LISTED:
        listed += f"; and {len(found) - _MAX_LISTED} more"
    raise Failure(
        "needs_scripts",
        f"The file needs Python scripts, which are off (the job says allow_scripts=no, or its worker has "
        f"no cage to run them in): {listed}. Let them run, replace them by simple expressions or bake them "
        "to keyframes.",
    )


def _evaluate(scene: Any) -> None:
    """A driver only knows that it is invalid once it was tried."""
    for layer in scene.view_layers:
        with bpy.context.temp_override(scene=scene, view_layer=layer):
            layer.update()


def _drivers() -> "Iterator[str]":
    for owner in _owners():
        data = getattr(owner, "animation_data", None)
        for curve in data.drivers if data else ():
            driver = curve.driver
            if curve.mute or driver.type != "SCRIPTED" or driver.is_simple_expression:
                continue
            # What is hidden now was not tried, but may be shown in a later frame.
            if _refused(driver) or _names_python(driver):
                path = f"{curve.data_path}[{curve.array_index}]"
                yield f'driver of {owner.name} {path}: "{driver.expression}"'


def _owners() -> "Iterator[Any]":
    """Every data-block with users, and the trees inside others that are no list of their own."""
    for block in bpy.data.user_map():
        if block.users == 0:
            continue
        yield block
        tree = getattr(block, "node_tree", None)
        if tree is not None and tree.is_embedded_data:
            yield tree
        collection = getattr(block, "collection", None)
        if getattr(collection, "is_embedded_data", False):
            yield collection


def _refused(driver: Any) -> bool:
    """Invalid, and not merely because a variable's target is missing."""
    if driver.is_valid:
        return False
    targets = [t for variable in driver.variables for t in variable.targets]
    scene_targets = {"CONTEXT_PROP"}
    missing = any(t.id is None for v in driver.variables if v.type not in scene_targets for t in v.targets)
    return not (targets and missing)


def _names_python(driver: Any) -> bool:
    if driver.use_self:
        return True
    try:
        tree = ast.parse(driver.expression.strip(), mode="eval")
    except SyntaxError:
        return False  # wrong with or without scripts
    allowed = _SAFE_NAMES | {variable.name for variable in driver.variables}
    return any(
        isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and node.id not in allowed)
        for node in ast.walk(tree)
    )


def _texts() -> "Iterator[str]":
    for text in bpy.data.texts:
        if text.use_module:
            yield f'text "{text.name}", registered to run when the file is opened'


def _freestyle(scene: Any) -> "Iterator[str]":
    """Freestyle's style modules are Python that runs whatever the preferences say."""
    if not scene.render.use_freestyle:
        return
    for layer in scene.view_layers:
        settings = layer.freestyle_settings
        if layer.use_freestyle and settings.mode == "SCRIPT" and settings.modules:
            yield f'Freestyle in script mode on the view layer "{layer.name}"'
