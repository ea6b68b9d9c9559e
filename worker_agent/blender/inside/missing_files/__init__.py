"""Which files outside of the .blend the render needs, and which of them are not there.

Blender renders on without them: in pink, with an empty object, with another font. What it would not
read is not asked for: data that the scene does not reach, objects that never render, nodes that lead
nowhere, pictures that only the viewport shows.
"""
