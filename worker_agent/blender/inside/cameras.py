"""Whether the scene has something to look through, as Blender decides it before it renders."""

from typing import Any

from .wire import Failure


def require_camera(scene: Any) -> "str | None":
    """The camera's name; None when sequencer or compositor need none. Raises Failure."""
    camera = scene.camera
    if camera is None:  # markers set the camera from the first frame on
        bound = [marker for marker in scene.timeline_markers if marker.camera is not None]
        camera = min(bound, key=lambda marker: marker.frame).camera if bound else None
    if camera is not None:
        return str(camera.name)
    if sequencer_renders(scene) or _compositor_needs_none(scene):
        return None
    cameras = [item.name for item in scene.objects if item.type == "CAMERA"]
    if cameras:
        listed = ", ".join(f'"{name}"' for name in cameras)
        remedy = f"Make one of its cameras the active one, or use the option camera: {listed}."
    else:
        remedy = "Add a camera and make it the scene's active one (Ctrl+Numpad 0)."
    raise Failure("no_camera", f'The scene "{scene.name}" has no camera to render from. {remedy}')


def sequencer_renders(scene: Any) -> bool:
    """Whether the pictures come from the sequencer's strips."""
    editor = scene.sequence_editor
    if not scene.render.use_sequencer or editor is None:
        return False
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # renamed in 4.4
    return any(strip.type != "SOUND" and not strip.mute for strip in strips)


def _compositor_needs_none(scene: Any) -> bool:
    """A compositor that reads no render layers makes its picture from files alone."""
    tree = compositor_of(scene)
    if tree is None or not scene.render.use_compositing:
        return False
    nodes = list(tree.nodes)
    makes_picture = any(node.type in {"COMPOSITE", "GROUP_OUTPUT"} for node in nodes)
    return makes_picture and not any(node.type in {"R_LAYERS", "GROUP"} for node in nodes)


def compositor_of(scene: Any) -> Any:
    """The scene's compositing tree or None; it became a node group of its own in 5.0."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None
