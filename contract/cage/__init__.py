"""How a stranger's Blender is held by bubblewrap, on a worker and on a laptop alike (docs/cage.md)."""
