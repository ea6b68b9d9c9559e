"""Frames: rendered, checked, put into the bucket, recorded; and what follows when one fails."""
