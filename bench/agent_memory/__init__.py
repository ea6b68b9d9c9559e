"""What memory an agent's process takes, without its Blender, however many frames it has done."""
