"""Runs within Blender: standard library and bpy only."""
