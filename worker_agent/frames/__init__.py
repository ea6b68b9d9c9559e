"""Frames: rendered, checked, put into the bucket; and what follows when one fails."""
