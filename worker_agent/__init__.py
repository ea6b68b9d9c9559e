"""The program on each worker: takes tasks, bakes and renders with Blender, records what came of it."""
