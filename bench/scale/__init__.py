"""Up to a thousand agents around a stand-in for Blender: what they ask of AWS, and what that costs."""
