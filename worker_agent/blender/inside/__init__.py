"""The child side: runs inside Blender (3.4 to 5.x) with nothing but the standard library and bpy."""
