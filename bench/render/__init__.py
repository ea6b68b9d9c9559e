"""Frames side by side: raw Blender, a process per frame, a peer's adaptor, and this farm, in one run."""
